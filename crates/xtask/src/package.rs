//! `cargo xtask package`: the Debian package, its checks, and its trial in a Debian of its own.

use std::fs;
use std::path::{Path, PathBuf};

use crate::shell::{self, Trouble};
use crate::{demo, web};

/// Whose metadata say what is in the package.
const MANIFEST: &str = "crates/schoolgate/Cargo.toml";
const UNITS: [&str; 4] =
    ["schoolgate.target", "schoolgate-signer.service", "schoolgate-control.service", "schoolgate-gateway.service"];
const DROP_IN: &str = "schoolgate-.service.d/common.conf";
const SCRIPTS: [&str; 4] =
    ["packaging/debian/postinst", "packaging/debian/prerm", "packaging/debian/postrm", "packaging/try/inside.sh"];
/// What the trial needs in its Debian beside the package's own dependencies.
const INCLUDED: &str = "systemd,systemd-sysv,dbus,ca-certificates,curl,iproute2,procps,libgcc-s1";

pub(crate) fn package(words: &[String]) -> Result<(), Trouble> {
    match words {
        [] => build(),
        [word] if word == "--try" => trial(),
        [word] if word == "--check" => check(),
        _ => Err(Trouble::new("`package` takes nothing, `--check` or `--try`")),
    }
}

/// The package as schools get it.
fn build() -> Result<(), Trouble> {
    need_cargo_deb()?;
    check()?;
    web::build()?;
    shell::run(&mut shell::cargo(&["build", "--locked", "--release", "--workspace", "--bin", "schoolgate"]))?;
    shell::run(&mut shell::cargo(&["deb", "--no-build", "--package", "schoolgate"]))
}

fn need_cargo_deb() -> Result<(), Trouble> {
    match shell::is_there(&["cargo-deb"]) {
        true => Ok(()),
        false => Err(Trouble::new("packages are made by cargo-deb: `cargo install cargo-deb --locked`")),
    }
}

/// What can be known in seconds: the units are in order, the scripts can be read, what the package names is there.
pub(crate) fn check() -> Result<(), Trouble> {
    assets()?;
    for script in SCRIPTS {
        shell::run(&mut shell::command("shellcheck", &[script]))?;
    }
    units(&shell::root().join("packaging"))
}

/// Each asset must be there but the program, and each conffile must be an asset.
fn assets() -> Result<(), Trouble> {
    let path = shell::root().join(MANIFEST);
    let text = fs::read_to_string(&path).map_err(|error| Trouble::new(format!("cannot read {MANIFEST}: {error}")))?;
    let manifest: toml::Value =
        toml::from_str(&text).map_err(|error| Trouble::new(format!("cannot read {MANIFEST}: {error}")))?;
    let deb = ["package", "metadata", "deb"].iter().try_fold(&manifest, |value, key| value.get(key));
    let list = |key: &str| deb.and_then(|deb| deb.get(key)).and_then(toml::Value::as_array);
    let (Some(assets), Some(conffiles)) = (list("assets"), list("conf-files")) else {
        return Err(Trouble::new(format!("{MANIFEST} does not say what is in the package")));
    };
    let column = |asset: &toml::Value, at: usize| asset.get(at).and_then(toml::Value::as_str).map(str::to_owned);
    let folder = path.parent().unwrap_or(&path);
    for source in assets.iter().filter_map(|asset| column(asset, 0)) {
        let is_built = source.starts_with("target/");
        // Of a pattern, the folder that it looks in.
        let fixed = source.split('*').next().unwrap_or_default();
        if !is_built && !folder.join(fixed).exists() {
            return Err(Trouble::new(format!("{MANIFEST} puts `{source}` into the package, which is not there")));
        }
    }
    for conffile in conffiles.iter().filter_map(toml::Value::as_str) {
        let is_asset = assets.iter().filter_map(|asset| column(asset, 1)).any(|to| format!("/{to}") == conffile);
        if !is_asset {
            return Err(Trouble::new(format!("{MANIFEST} names the conffile `{conffile}`, which is no asset")));
        }
    }
    Ok(())
}

/// systemd's own word on the units, in a tree in which the program is there. It warns of a key that it does not know, and
/// calls that success: anything it says is trouble.
fn units(packaging: &Path) -> Result<(), Trouble> {
    let tree = std::env::temp_dir().join(format!("schoolgate-units-{}", std::process::id()));
    let laid = lay(packaging, &tree);
    let said = laid
        .map_err(|error| Trouble::new(format!("cannot lay out the units in {}: {error}", tree.display())))
        .and_then(|()| {
            let mut command = shell::command("systemd-analyze", &["verify", "--man=no"]);
            command.arg(format!("--root={}", tree.display())).args(UNITS);
            shell::hear(&mut command)
        });
    let _ = fs::remove_dir_all(&tree);
    let said = said?;
    match said.ok && said.lines.is_empty() {
        true => Ok(()),
        false => Err(Trouble::new("systemd is not content with the units")),
    }
}

fn lay(packaging: &Path, tree: &Path) -> std::io::Result<()> {
    let (units, programs) = (tree.join("usr/lib/systemd/system"), tree.join("usr/bin"));
    fs::create_dir_all(units.join("schoolgate-.service.d"))?;
    fs::create_dir_all(&programs)?;
    // The system's own targets, which ours name.
    for entry in fs::read_dir("/lib/systemd/system")? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|extension| extension == "target") {
            fs::copy(entry.path(), units.join(entry.file_name()))?;
        }
    }
    for unit in UNITS.into_iter().chain([DROP_IN]) {
        fs::copy(packaging.join(unit), units.join(unit))?;
    }
    // They have to be there and are not started.
    for program in ["schoolgate", "kill"] {
        fs::copy("/bin/true", programs.join(program))?;
    }
    Ok(())
}

/// Installs, sets up, upgrades, removes and purges the package in a booted Debian without a network, as root.
fn trial() -> Result<(), Trouble> {
    need_cargo_deb()?;
    for (program, package) in [("debootstrap", "debootstrap"), ("systemd-nspawn", "systemd-container")] {
        if !shell::is_there(&[program]) {
            return Err(Trouble::new(format!("the trial needs `{program}`: apt-get install {package}")));
        }
    }
    // What the tests build, for its speed; the package differs in how fast it runs.
    shell::run(&mut shell::cargo(&["build", "--locked", "--workspace", "--bin", "schoolgate"]))?;
    let target = demo::built("schoolgate")?;
    let Some(target) = target.ancestors().nth(2) else { return Err(Trouble::new("cargo builds nowhere")) };
    let folder = target.join("package");
    let (tree, given, out) = (folder.join("bookworm"), folder.join("given"), folder.join("out"));
    for made in [&given, &out] {
        fs::create_dir_all(made).map_err(|error| Trouble::new(format!("cannot make {}: {error}", made.display())))?;
    }
    for (version, name) in [("0.1.0-1", "old.deb"), ("0.1.0-2", "new.deb")] {
        let words =
            ["deb", "--no-build", "--profile", "dev", "--strip", "--fast", "--package", "schoolgate", "--deb-version"];
        let mut command = shell::cargo(&words);
        shell::run(command.args([version, "--output"]).arg(given.join(name)))?;
    }
    if !tree.join("usr/bin/setpriv").exists() {
        let mut command = shell::command("debootstrap", &["--variant=minbase", "--include", INCLUDED, "bookworm"]);
        shell::run(command.arg(&tree))?;
    }
    run_trial(&tree, &given, &out)
}

fn run_trial(tree: &Path, given: &Path, out: &Path) -> Result<(), Trouble> {
    let source = shell::root().join("packaging/try");
    let bind = |from: PathBuf, to: &str| format!("--bind-ro={}:{to}", from.display());
    let mut command = shell::command("systemd-nspawn", &["--quiet", "--register=no", "--keep-unit", "--boot"]);
    // Whatever the trial changes is forgotten.
    command.args([
        "--volatile=overlay",
        "--private-network",
        "--resolv-conf=off",
        "--system-call-filter=@memlock landlock_create_ruleset landlock_add_rule landlock_restrict_self",
        "--console=pipe",
    ]);
    command.env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1").arg(format!("--directory={}", tree.display()));
    for name in ["old.deb", "new.deb"] {
        command.arg(bind(given.join(name), &format!("/try/{name}")));
    }
    command.arg(bind(source.join("inside.sh"), "/try/inside.sh"));
    command.arg(bind(source.join("try.service"), "/etc/systemd/system/try.service"));
    command.arg(format!("--bind={}:/try-out", out.display())).arg("systemd.wants=try.service");
    let log = out.join("log");
    // Of an earlier trial.
    let _ = fs::remove_file(&log);
    let booted = shell::output(&mut command);
    println!("{}", fs::read_to_string(&log).unwrap_or_default());
    booted.map(drop)
}
