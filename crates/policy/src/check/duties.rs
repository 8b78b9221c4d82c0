//! Registers and duties that fall to nobody because the offices they name are vacant.

use schoolgate_base::Role;
use schoolgate_cases::Offices;

use crate::compile::Compiled;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::syntax::reader::Findings;

pub(super) fn check(compiled: &Compiled, offices: Option<&Offices>, findings: &mut Findings) {
    let Some(offices) = offices else { return };
    for (duty, &span) in compiled.duties.iter().zip(&compiled.duty_spans) {
        if duty.each.is_empty() {
            vacant(&duty.who, &format!("the duty `{}` falls to nobody", duty.kind), span, offices, findings);
        }
    }
    for (register, &span) in compiled.registers.iter().zip(&compiled.register_spans) {
        vacant(&register.keeps, &format!("nobody keeps the list `{}`", register.kind), span, offices, findings);
    }
}

fn vacant(roles: &[Role], message: &str, span: Span, offices: &Offices, findings: &mut Findings) {
    if roles.is_empty() || roles.iter().any(|role| !offices.of_role(role).is_empty()) {
        return;
    }
    let names: Vec<String> = roles.iter().map(|role| format!("`{role}`")).collect();
    findings.push(
        Diagnostic::new(Code::VacantRole, span, message)
            .why(format!("nobody holds {}", names.join(", ")))
            .help("fill the office, or name another"),
    );
}
