//! Names under which anybody may register: opening one would open all their sites at once.

use schoolgate_base::HostName;

/// The names of publicsuffix.org that people in a British school are likely to type or to paste; the whole list is
/// thousands of lines and changes weekly. What is not here is still read by whoever decides.
const SHARED: [&str; 34] = [
    "ac.uk",
    "co.uk",
    "gov.uk",
    "ltd.uk",
    "me.uk",
    "net.uk",
    "nhs.uk",
    "org.uk",
    "plc.uk",
    "police.uk",
    "sch.uk",
    "gov.scot",
    "gov.wales",
    "llyw.cymru",
    "com.au",
    "org.au",
    "edu.au",
    "co.nz",
    "org.nz",
    "co.za",
    "co.in",
    "co.jp",
    "com.br",
    "co.ie",
    "blogspot.com",
    "blogspot.co.uk",
    "github.io",
    "gitlab.io",
    "netlify.app",
    "pages.dev",
    "vercel.app",
    "web.app",
    "wordpress.com",
    "weebly.com",
];

/// Whether a name is such a suffix. Below `sch.uk` each authority has one of its own: `hants.sch.uk`.
pub fn is_shared(name: &HostName) -> bool {
    let is_authority = || name.label_count() == 3 && name.as_str().ends_with(".sch.uk");
    name.label_count() < 2 || SHARED.contains(&name.as_str()) || is_authority()
}
