//! Debian's Chromium under policies, as a device of the school: what it makes of a page.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

/// Longest wait for a page; a test that needs it has failed.
const DEADLINE: Duration = Duration::from_secs(60);

/// Chromium reads its policies from one folder of the machine, so that each start has that folder to itself. Needs the
/// rights of root.
const UNDER_POLICIES: &str = "mount -t tmpfs none /etc/chromium && mkdir -p /etc/chromium/policies/managed && \
                              cp \"$1\" /etc/chromium/policies/managed/test.json && shift && exec chromium \"$@\"";

/// Quiet, and without what goes to the internet by itself.
const OPTIONS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--dump-dom",
];

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum ChromiumError {
    #[error("cannot run chromium; it must be installed")]
    Run { source: io::Error },
    #[error("chromium has shown nothing in time")]
    Late,
    /// Also what becomes of a site that cannot be reached: of its own page about that, Chromium shows nothing.
    #[error("chromium ended without a page: {words}")]
    Failed { words: String },
}

/// The page at `url` as Chromium has it after loading.
///
/// # Errors
/// When Chromium cannot be started, or has no page to show.
pub async fn page_under_policies(policies: &Value, more: &[&str], url: &str) -> Result<String, ChromiumError> {
    let run = |source| ChromiumError::Run { source };
    let folder = tempfile::tempdir().map_err(run)?;
    let file = folder.path().join("policies.json");
    std::fs::write(&file, policies.to_string()).map_err(run)?;
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", UNDER_POLICIES, "sh"]).arg(&file).args(OPTIONS).args(more);
    command.arg(format!("--user-data-dir={}", folder.path().join("profile").display())).arg(url);
    let running = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(DEADLINE, running).await.map_err(|_| ChromiumError::Late)?.map_err(run)?;
    let page = String::from_utf8_lossy(&output.stdout).into_owned();
    if page.trim().is_empty() {
        return Err(ChromiumError::Failed { words: String::from_utf8_lossy(&output.stderr).into_owned() });
    }
    Ok(page)
}
