use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;

use schoolgate_keys::secret_create;

use super::*;

const PACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies/hampshire-staff");

async fn said(command: SchoolCommand) -> Result<(Found, String), SchoolError> {
    let mut out = Vec::new();
    let found = run(command, Sockets::default(), &mut out).await?;
    Ok((found, String::from_utf8(out).unwrap()))
}

#[tokio::test]
async fn a_restore_that_failed_can_be_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let school = SchoolId::new("riverside").unwrap();
    init(&path("school"), school, "Riverside", pack::read(Path::new(PACK)).unwrap()).await.unwrap();
    let inside =
        SchoolCommand::Backup { data: path("school"), to: path("x"), keys_to: Some(path("x/keys")), settings: None };
    assert!(matches!(said(inside).await, Err(SchoolError::KeysInBackup { .. })));
    let (data, to, keys_to) = (path("school"), path("backup"), Some(path("keys")));
    said(SchoolCommand::Backup { data, to, keys_to, settings: None }).await.unwrap();
    let restore = |data: PathBuf| SchoolCommand::Restore {
        from: path("backup"),
        keys: path("keys"),
        data,
        settings: None,
        without_sealed: false,
    };
    let database = fs::read(path("backup").join("records.sqlite")).unwrap();
    fs::write(path("backup").join("records.sqlite"), b"cut off").unwrap();
    said(restore(path("new"))).await.unwrap_err();
    fs::write(path("backup").join("records.sqlite"), database).unwrap();
    let (found, restored) = said(restore(path("new"))).await.unwrap();
    assert_eq!(found, Found::NothingWrong);
    let (_, verified) = said(SchoolCommand::Verify { data: path("new"), settings: None }).await.unwrap();
    let word = "consistent";
    assert!(restored.contains(word) && verified.contains(word), "{restored}{verified}");
    assert!(said(restore(path("new"))).await.is_err(), "it is a school now");

    fs::create_dir(path("occupied")).unwrap();
    fs::write(path("occupied").join("letter.txt"), "somebody's").unwrap();
    said(restore(path("occupied"))).await.unwrap_err();
    assert!(path("occupied").join("letter.txt").exists());
}

#[tokio::test]
async fn the_key_of_the_ca_is_copied_from_a_folder_of_its_own_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let school = SchoolId::new("riverside").unwrap();
    init(&path("school"), school, "Riverside", pack::read(Path::new(PACK)).unwrap()).await.unwrap();
    let signer = path("signer");
    fs::DirBuilder::new().mode(0o700).create(&signer).unwrap();
    secret_create(&signer.join("ca.key.pem"), b"a key").unwrap();
    secret_create(&signer.join("ca.pem"), b"a certificate").unwrap();
    let settings = path("schoolgate.toml");
    fs::write(&settings, format!("[processes]\nsigner_keys = \"{}\"", signer.display())).unwrap();
    let copied = |name: &str, settings: Option<PathBuf>| SchoolCommand::Backup {
        data: path("school"),
        to: path(name),
        keys_to: Some(path(&format!("{name}-keys"))),
        settings,
    };
    let (_, out) = said(copied("without", None)).await.unwrap();
    assert!(out.contains("The key of the school's CA is not among them"), "{out}");
    let (_, out) = said(copied("whole", Some(settings.clone()))).await.unwrap();
    assert!(!out.contains("not among them"), "{out}");

    let restored = |settings: Option<PathBuf>| SchoolCommand::Restore {
        from: path("whole"),
        keys: path("whole-keys"),
        data: path("again"),
        settings,
        without_sealed: false,
    };
    assert!(matches!(said(restored(None)).await, Err(SchoolError::CaPlace { .. })));
    assert!(matches!(said(restored(Some(settings.clone()))).await, Err(SchoolError::CaOccupied { .. })));
    fs::remove_dir_all(&signer).unwrap();
    said(restored(Some(settings))).await.unwrap();
    assert_eq!(fs::read(signer.join("ca.key.pem")).unwrap(), b"a key");
}

#[tokio::test]
async fn lists_are_built_from_files_and_from_a_folder_of_categories() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let school = SchoolId::new("riverside").unwrap();
    init(&path("school"), school, "Riverside", pack::read(Path::new(PACK)).unwrap()).await.unwrap();
    for (name, text) in [
        ("ut1/adult/domains", "one.example\nnot a name\n"),
        ("ut1/adult/usage", "black\n"),
        ("ut1/porn", "adult"),
        ("ut1/blog/urls", "two.example/diary\n"),
        ("ut1/lost", "nowhere"),
        ("hosts.txt", "0.0.0.0 bet.example\n"),
    ] {
        std::fs::create_dir_all(path(name).parent().unwrap()).unwrap();
        std::fs::write(path(name), text).unwrap();
    }
    let build = |lists: Vec<String>| SchoolCommand::Lists(ListsCommand::Build { data: path("school"), lists });
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    let hosts = format!("gambling={}", text(path("hosts.txt")));
    let (_, out) = said(build(vec![text(path("ut1")), hosts])).await.unwrap();
    for line in [
        "adult/domains: 1 entries, 1 lines left out",
        "line 2",
        "blog/urls: 1 entries",
        "lost: another name for `nowhere`",
    ] {
        assert!(out.contains(line), "{line}: {out}");
    }
    let bytes = std::fs::read(path("school/lists/index.lists")).unwrap();
    let index = schoolgate_lists::Index::open(Arc::new(bytes)).unwrap();
    let categories: Vec<_> = index.categories().map(|(_, category)| category.name.to_string()).collect();
    assert_eq!(categories, ["adult", "blog", "gambling"]);
    for (wrong, expected) in [
        (text(path("nothing")), "neither `CATEGORY=FILE` nor the folder"),
        (text(path("school/keys")), "holds no list"),
    ] {
        let error = said(build(vec![wrong])).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn settings_are_looked_at_with_the_files_that_they_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let school = SchoolId::new("riverside").unwrap();
    init(&path("school"), school, "Riverside", pack::read(Path::new(PACK)).unwrap()).await.unwrap();
    let check = async |text: &str| {
        fs::write(path("schoolgate.toml"), text).unwrap();
        said(SchoolCommand::CheckSettings { data: path("school"), settings: path("schoolgate.toml") }).await
    };
    assert!(check("[portal]\nname = 'portal.school.example'").await.unwrap().1.contains("Nothing is wrong"));
    for (wrong, words) in [
        ("[portal]\nnam = 'x'", "nam"),
        ("[portal]\ncertificate = 'none.pem'\nkey = 'none.key'", "none.pem"),
        ("[tls]\nroots = ['none.pem']", "tls.roots"),
    ] {
        let said = check(wrong).await.unwrap_err().to_string();
        assert!(said.contains(words), "{said}");
    }
}
