//! What changes for people between two editions, as people read it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by failing"
)]

use std::collections::BTreeSet;

use schoolgate_base::Group;
use schoolgate_policy::diff::{diff, for_person, text};
use schoolgate_policy::{Built, Context, Pack, build};

const SCHOOL: &str = include_str!("../spec/school.toml");
const MORE: &str = "\n[content.personal-data]\ntitle = \"personal data\"\n[categories.streaming]\n";

fn built(head: &str, body: &str) -> Built {
    let head = format!("+++\npolicy = \"p\"\ntitle = \"P\"\nversion = \"1\"\naudience = [\"staff\"]\n{head}\n+++\n");
    let files = [("school.toml", format!("{SCHOOL}{MORE}")), ("p.md", format!("{head}\n{body}"))];
    build(&Pack::from_iter(files), Context::default())
}

/// A clause with one control.
fn clause(control: &str) -> String {
    format!("1.1 {{#a}} A clause.\n\n```control\n{control}\n```\n")
}

/// The consequences of putting one control in the place of another.
#[track_caller]
fn check(before: &str, after: &str, expected: &[&str]) {
    check_texts(&clause(before), &clause(after), expected);
}

#[track_caller]
fn check_texts(before: &str, after: &str, expected: &[&str]) {
    let found = diff(&built("", before), &built("", after));
    let found: Vec<String> = found.iter().map(schoolgate_policy::diff::Consequence::sentence).collect();
    assert_eq!(found, expected, "{found:#?}");
}

#[test]
fn an_edition_is_like_itself() {
    let rules = clause("[[web]]\nblock = [\"personal\"]\nfor = \"teachers\"\nwhen = \"lessons\"");
    check_texts(&rules, &rules, &[]);
}

#[test]
fn a_site_opens_for_a_group_in_a_period() {
    check(
        "[[web]]\nblock = [\"streaming\"]\nfor = \"teachers\"",
        "[[web]]\nblock = [\"streaming\"]\nfor = \"teachers\"\noutside = \"lunch\"\n\
         [[web]]\nname = \"slow\"\nsites = [\"streaming\"]\nfor = \"teachers\"\nwhen = \"lunch\"\nrate_kbit = 2000",
        &["teachers: streaming at lunch: blocked \u{2192} 2 Mbit/s"],
    );
}

#[test]
fn a_device_and_a_place_are_named() {
    check(
        "[[web]]\nblock = [\"social\"]\nfor = \"teachers\"\nwhen = \"lessons\"\non = \"personal-device\"",
        "[[web]]\nblock = [\"gambling\"]\nfor = \"volunteers\"\nat = \"building\"",
        &[
            "volunteers: gambling at building: allowed \u{2192} blocked",
            "teachers: social in lessons on devices of one's own: blocked \u{2192} allowed",
        ],
    );
}

#[test]
fn a_class_of_sites_and_the_widest_group_are_named() {
    check(
        "[[web]]\nwarn = [\"personal\"]\nfor = [\"teachers\", \"volunteers\"]",
        "[[web]]\nwarn = [\"personal\"]\nfor = \"staff\"\n[[web]]\nname = \"b\"\nblock = [\"personal\"]\nfor = \"teachers\"",
        &[
            "staff (but not teachers and volunteers): personal: allowed \u{2192} allowed after a reminder",
            "teachers: personal: allowed after a reminder \u{2192} blocked",
        ],
    );
}

#[test]
fn a_group_that_moves_is_bound_by_other_rules() {
    let body = clause("[[web]]\nblock = [\"gambling\"]\nfor = \"staff\"\nexcept = \"teachers\"");
    let before = built("", &body);
    let school =
        format!("{SCHOOL}{MORE}").replace("volunteers]\nwithin = \"staff\"", "volunteers]\nwithin = \"teachers\"");
    let head = "+++\npolicy = \"p\"\ntitle = \"P\"\nversion = \"1\"\naudience = [\"staff\"]\n+++\n";
    let files = [("school.toml", school), ("p.md", format!("{head}\n{body}"))];
    let after = build(&Pack::from_iter(files), Context::default());
    assert_eq!(text(&diff(&before, &after)), "p#a\n  volunteers: gambling: blocked \u{2192} allowed\n");
}

#[test]
fn conditions_are_consequences() {
    check(
        "[[web]]\nsites = [\"everything\"]\nfor = \"staff\"\nlog = \"host\"",
        "[[web]]\nsites = [\"everything\"]\nfor = \"staff\"\nsafe_search = true\ninspect = true",
        &[
            "staff: all sites: looked into where a door has to, search as it is, only the site's name recorded \u{2192} \
             looked into, safe search, the address recorded",
            // What is always open is looked into by nobody.
            "staff: exams.example: search as it is, only the site's name recorded \u{2192} safe search, the address \
             recorded",
        ],
    );
}

#[test]
fn a_message_is_newly_held() {
    check(
        "[[mail]]\nfrom = [\"staff\"]\nto = [\"parent\"]\nthen = \"note\"",
        "[[mail]]\nfrom = [\"staff\"]\nto = [\"parent\"]\nthen = \"note\"\n[[mail]]\nname = \"b\"\nfrom = [\"teachers\"]\n\
         to = [\"parent\"]\ncontains = [\"personal-data\"]\nthen = \"hold\"\nrelease = [\"headteacher\"]\ntell = [\"dsl\"]",
        &["teachers: messages from teachers to parents with personal data: noted in the log \u{2192} held, until the \
           headteacher lets it go; the safeguarding lead is told"],
    );
}

#[test]
fn a_rule_about_things_that_is_narrowed_frees_only_the_others() {
    check(
        "[[file]]\nis = [\"media\"]\nfor = \"staff\"\nthen = \"refuse\"",
        "[[file]]\nis = [\"media\"]\nfor = \"teachers\"\nthen = \"refuse\"",
        &["staff (but not teachers): files (music, film or pictures): refused \u{2192} nothing is done"],
    );
}

#[test]
fn passwords_are_compared_as_a_whole() {
    check(
        "[[account]]\nfor = \"staff\"\npassword = { length = 8, refuse = [\"breached\"] }",
        "[[account]]\nfor = \"staff\"\npassword = { length = 12, refuse = [\"breached\", \"name\"] }",
        &[
            "staff: passwords: 8 characters or more, not breached \u{2192} 12 characters or more, not breached, not name",
        ],
    );
}

#[test]
fn a_request_says_who_decides_and_for_how_long() {
    let request = "[[request]]\nkind = \"open-site\"\nask = [\"staff\"]\nform = [\"site\", \"class\", \"until\"]\n";
    check(
        &format!(
            "{request}decide = {{ any = [\"it-technician\"] }}\nlongest = \"14 days\"\neffect = {{ web = \"allow\", for = \"class\" }}"
        ),
        &format!(
            "{request}decide = {{ all = [\"it-technician\", \"dsl\"] }}\nlongest = \"7 days\"\neffect = {{ web = \"allow\", for = \"asker\" }}"
        ),
        &[
            "staff: \u{201c}Open site\u{201d}: who decides: the technician \u{2192} the technician and the safeguarding lead",
            "staff: \u{201c}Open site\u{201d}: an approval lasts at most: 14 days \u{2192} 7 days",
            "staff: \u{201c}Open site\u{201d}: an approval: opens the site for the class \u{2192} opens the site for whoever asks",
        ],
    );
}

#[test]
fn a_report_goes_to_somebody_else() {
    check(
        "[[report]]\nkind = \"concern\"\nto = [\"headteacher\"]\nwithin = \"same day\"",
        "[[report]]\nkind = \"concern\"\nto = [\"dsl\"]\nwithin = \"1 hour\"",
        &[
            "everybody: \u{201c}Concern\u{201d}: who hears: the headteacher \u{2192} the safeguarding lead",
            "everybody: \u{201c}Concern\u{201d}: looked at: on the same day \u{2192} within 1 hour",
        ],
    );
}

#[test]
fn lists_and_duties_change_for_those_who_keep_them() {
    check(
        "[[register]]\nkind = \"kit\"\nfields = [\"item\"]\nkeeps = [\"it-technician\"]\nkeep = \"6 years\"\n\
         [[duty]]\nkind = \"look\"\nwho = [\"it-technician\"]\nevery = \"term\"",
        "[[register]]\nkind = \"kit\"\nfields = [\"item\"]\nkeeps = [\"it-technician\"]\nkeep = \"3 years\"\n\
         [[duty]]\nkind = \"look\"\nwho = [\"it-technician\"]\nevery = \"week\"",
        &[
            "the technician: \u{201c}Kit\u{201d}: kept: 6 years \u{2192} 3 years",
            "the technician: \u{201c}Look\u{201d}: due: every term \u{2192} every week",
        ],
    );
}

#[test]
fn heads_and_agreements_are_compared() {
    let before = built("owner = \"headteacher\"\nsign = { gate = true, again = \"every year\" }", "");
    let after = built("owner = \"dsl\"\nsign = { gate = false, form = \"paper\" }", "");
    let found: Vec<String> = diff(&before, &after).iter().map(|consequence| consequence.sentence()).collect();
    assert_eq!(
        found,
        [
            "staff: \u{201c}P\u{201d}: how: by a click \u{2192} on paper",
            "staff: \u{201c}P\u{201d}: again: after 1 year \u{2192} when something changes for people",
            "staff: \u{201c}P\u{201d}: until agreed: no internet before \u{2192} asked, and no more",
            "staff: \u{201c}P\u{201d}: owner: the headteacher \u{2192} the safeguarding lead",
        ]
    );
}

#[test]
fn a_clause_that_moved_is_the_same_control() {
    let request = "```control\n@[[report]]\nkind = \"c\"\nto = [\"dsl\"]\n```\n";
    let old = format!("1.1 {{#a}} Words.\n\n{}", request.replace('@', ""));
    let new = format!("1.1 {{#b}} Words.\n\n{}", request.replace('@', "was = [\"a\"]\n"));
    check_texts(&old, &new, &[]);
}

#[test]
fn a_person_is_shown_what_changes_for_them() {
    let before = built("", &clause("[[web]]\nblock = [\"gambling\"]\nfor = \"staff\""));
    let after = built("", &clause("[[web]]\nblock = [\"gambling\"]\nfor = \"volunteers\""));
    let all = diff(&before, &after);
    let groups = |names: &[&str]| names.iter().map(|name| Group::new(name)).collect::<BTreeSet<_>>();
    assert_eq!(for_person(&all, &groups(&["staff", "teachers"])).len(), 1);
    assert_eq!(for_person(&all, &groups(&["staff", "volunteers"])).len(), 0);
    assert_eq!(for_person(&all, &groups(&["pupil"])).len(), 0);
    assert_eq!(text(&all), "p#a\n  staff (but not volunteers): gambling: blocked \u{2192} allowed\n");
    let json = serde_json::to_value(&all).unwrap();
    assert_eq!((json[0]["about"].as_str(), json[0]["except"][0].as_str()), (Some("web"), Some("volunteers")));
}
