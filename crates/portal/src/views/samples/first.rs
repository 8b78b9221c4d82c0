//! The first page, help, messages, devices.

use super::*;
use crate::views::certificate::{CertificateShown, Check};

pub(super) fn pages() -> Vec<(&'static str, String)> {
    let home = HomePage {
        frame: Frame {
            notice: Some("bet.example is open for 6B until Friday 27 November 2026".into()),
            ..frame("Start")
        },
        refused: Some(vec![RefusedRow {
            when: "10:12".into(),
            host: "bet.example".into(),
            why: "Gambling, rule 5.3.".into(),
            href: "/blocked?t=x".into(),
            link: "See why, or ask for it",
        }]),
        waiting: vec![
            Task {
                href: "/agree".into(),
                name: "Staff acceptable use of ICT".into(),
                hint: "Read it and agree; three rules changed for you".into(),
                status: "By 1 December".into(),
            },
            Task {
                href: "/decisions".into(),
                name: "bet.example for 6B".into(),
                hint: "Tess Teacher asked".into(),
                status: "Due in 4 minutes".into(),
            },
        ],
        opened: vec![OpenedRow { site: "games.example".into(), words: "open for 6B until Friday".into() }],
        links: vec![Link::new("/requests/new/open-site", "Ask for a site"), Link::new("/reports", "Report a concern")],
        in_force: "Rules in force since 10:42.".into(),
    };
    let help = HelpPage {
        frame: frame("You can talk to someone").nameless(),
        leave_to: "https://www.bbc.co.uk/weather".into(),
        outside: OUTSIDE,
        inside: vec![HelpPerson { name: "Dora Lead".into(), office: "safeguarding lead".into() }],
    };
    let certificate = CertificatePage {
        frame: frame("Set up a device"),
        certificates: [(true, "22/11/2026", "21/11/2031"), (false, "24/11/2030", "23/11/2035")]
            .map(|(is_in_use, from, until)| CertificateShown {
                is_in_use,
                from: from.into(),
                until: until.into(),
                fingerprint:
                    "3F:9A:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC"
                        .into(),
                href: "/certificate/schoolgate-ca-1.crt".into(),
            })
            .into(),
        pac: "http://127.0.0.1:8080/proxy.pac".into(),
        away: vec!["gw1.school.example:3129".into(), "gw2.school.example:3129".into()],
        doh: "https://portal.demo.test:8443/dns-query".into(),
        checks: vec![
            Check::good("This page came through the school's gateway."),
            Check::open("Whether the certificate is installed shows only through the gateway.".into()),
        ],
        address: "10.1.4.20".into(),
    };
    let message = MessagePage {
        frame: frame("Not saved"),
        heading: "This could not be saved".into(),
        text: "Our records cannot be written at the moment, so nothing was changed and nothing is lost. Browsing goes on under the rules in force.".into(),
        reference: "8f3a21".into(),
    };
    vec![
        ("home", home.render().unwrap()),
        ("help", help.render().unwrap()),
        ("certificate", certificate.render().unwrap()),
        ("message", message.render().unwrap()),
    ]
}
