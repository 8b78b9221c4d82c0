use super::*;

const PACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies/hampshire-staff");

async fn said(command: SchoolCommand) -> Result<(Found, String), SchoolError> {
    let mut out = Vec::new();
    let found = run(command, &mut out).await?;
    Ok((found, String::from_utf8(out).unwrap()))
}

#[tokio::test]
async fn a_restore_that_failed_can_be_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let school = SchoolId::new("riverside").unwrap();
    init(&path("school"), school, "Riverside", pack::read(Path::new(PACK)).unwrap()).await.unwrap();
    let (data, to, keys_to) = (path("school"), path("backup"), Some(path("keys")));
    said(SchoolCommand::Backup { data, to, keys_to }).await.unwrap();
    let restore = |data: PathBuf| SchoolCommand::Restore {
        from: path("backup"),
        keys: path("keys"),
        data,
        without_sealed: false,
    };
    let database = fs::read(path("backup").join("records.sqlite")).unwrap();
    fs::write(path("backup").join("records.sqlite"), b"cut off").unwrap();
    said(restore(path("new"))).await.unwrap_err();
    fs::write(path("backup").join("records.sqlite"), database).unwrap();
    let (found, restored) = said(restore(path("new"))).await.unwrap();
    assert_eq!(found, Found::NothingWrong);
    let (_, verified) = said(SchoolCommand::Verify { data: path("new") }).await.unwrap();
    let word = "consistent";
    assert!(restored.contains(word) && verified.contains(word), "{restored}{verified}");
    assert!(said(restore(path("new"))).await.is_err(), "it is a school now");

    fs::create_dir(path("occupied")).unwrap();
    fs::write(path("occupied").join("letter.txt"), "somebody's").unwrap();
    said(restore(path("occupied"))).await.unwrap_err();
    assert!(path("occupied").join("letter.txt").exists());
}
