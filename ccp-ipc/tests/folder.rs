//! Which folders are used, and what sockets in them look like.
//!
//! As root these tests play other users; what needs root is left out otherwise.
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;

use ccp_ipc::unix::{BindError, FolderError, NameError, Options, Socket};
use ccp_ipc::{Blocking, Ipc, Liveness};
use support::{NOBODY, again, as_nobody, folder, is_child, is_root, mode};

fn bind(folder: &Path, name: &str) -> Result<Socket, BindError> {
    Options::new().folder(folder).bind::<Blocking>(name)
}

#[track_caller]
fn refused(folder: &Path) -> FolderError {
    match bind(folder, "portus") {
        Err(BindError::Folder(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// The folder is refused, and after the command from the error it is not.
#[track_caller]
fn mended_by(folder: &Path, error: FolderError, mend: &str) {
    assert!(error.to_string().ends_with(&format!("to mend it: {mend}")), "{error}");
    assert!(Command::new("sh").args(["-c", mend]).status().unwrap().success());
    bind(folder, "portus").unwrap();
}

#[test]
fn a_folder_that_is_missing_is_made_for_the_caller_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ccp");
    let socket = bind(&path, "portus").unwrap();
    assert_eq!(mode(&path), 0o700);
    assert_eq!(socket.local_addr().path(), Some(path.join("portus").as_path()));
    assert_eq!(mode(&path.join("portus")), 0o660);
}

#[test]
fn a_folder_can_be_looked_at_without_being_made() {
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("ccp");
    let examine = || Socket::<Blocking>::options().folder(&folder).examine_folder();
    assert_eq!(examine().unwrap(), (folder.clone(), false));
    assert!(!folder.exists());
    bind(&folder, "a").unwrap();
    assert_eq!(examine().unwrap(), (folder.clone(), true));
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(examine(), Err(FolderError::Writable { .. })));
}

#[test]
fn who_connects_while_a_socket_is_being_bound_reaches_it_or_is_refused() {
    let above = tempfile::tempdir().unwrap();
    let path = above.path().join("a");
    fs::set_permissions(above.path(), fs::Permissions::from_mode(0o700)).unwrap();
    for _ in 0..100 {
        let to = path.clone();
        let early = std::thread::spawn(move || {
            let socket = UnixDatagram::unbound().unwrap();
            while socket.connect(&to).is_err() {}
            socket.send(b"hello")
        });
        let bound = bind(above.path(), "a").unwrap();
        early.join().unwrap().expect("what is connected to can be sent to");
        drop(bound);
    }
}

#[test]
fn folders_of_the_caller_are_fine_unless_others_may_write() {
    let dir = tempfile::tempdir().unwrap();
    for (i, good) in [0o700, 0o755, 0o750, 0o1777, 0o1770, 0o3770].into_iter().enumerate() {
        let path = folder(&dir.path().join(i.to_string()), good, None, None);
        bind(&path, "portus").unwrap();
        assert_eq!(mode(&path), good, "left as it was");
    }
    for bad in [0o777, 0o770, 0o702, 0o2777] {
        let path = folder(&dir.path().join(format!("{bad:o}")), bad, None, None);
        let error = refused(&path);
        assert!(matches!(error, FolderError::Writable { mode, .. } if mode == bad), "{error:?}");
        mended_by(&path, error, &format!("chmod go-w {}", path.display()));
    }
}

#[test]
fn a_group_may_write_if_it_is_named_and_setgid_says_it_is_meant() {
    if !is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    // Group 1 has a name (daemon) everywhere; a number this large has none anywhere.
    let named = folder(&dir.path().join("named"), 0o2770, None, Some(1));
    let socket = bind(&named, "portus").unwrap();
    let file = fs::metadata(named.join("portus")).unwrap();
    assert_eq!((file.gid(), file.mode() & 0o7777), (1, 0o660));
    drop(socket);

    let unnamed = folder(&dir.path().join("unnamed"), 0o2770, None, Some(3_999_999_999));
    let error = refused(&unnamed);
    mended_by(&unnamed, error, &format!("chmod go-w {}", unnamed.display()));
}

#[test]
fn sockets_get_the_folders_group_whatever_the_umask() {
    if !is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = folder(&dir.path().join("ccp"), 0o755, None, Some(1));
    let _socket = bind(&path, "portus").unwrap();
    let file = fs::metadata(path.join("portus")).unwrap();
    assert_eq!((file.gid(), file.mode() & 0o7777), (1, 0o660));
}

#[test]
fn a_foreign_folder_is_refused() {
    if !is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = folder(&dir.path().join("it's mine"), 0o755, Some(NOBODY), Some(NOBODY));
    let error = refused(&path);
    assert!(matches!(error, FolderError::Foreign { owner: NOBODY, caller: 0, .. }), "{error:?}");
    let quoted = format!("'{}'", path.display().to_string().replace('\'', r"'\''"));
    mended_by(&path, error, &format!("chown 0 {quoted} && chmod 0700 {quoted}"));
}

#[test]
fn a_link_is_refused_however_it_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let real = folder(&dir.path().join("real"), 0o700, None, None);
    let link = dir.path().join("link");
    symlink(&real, &link).unwrap();
    for way in [link.clone(), link.join(""), link.join(".")] {
        let error = refused(&way);
        assert!(matches!(error, FolderError::Link { .. }), "{error:?}");
    }
    let error = refused(&link);
    mended_by(&link, error, &format!("rm {}", link.display()));
    assert!(real.read_dir().unwrap().next().is_none(), "nothing went through the link");
}

#[test]
fn a_file_in_the_folders_place_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ccp");
    fs::write(&path, "").unwrap();
    let error = refused(&path);
    assert!(matches!(error, FolderError::NotAFolder { .. }), "{error:?}");
    mended_by(&path, error, &format!("rm {}", path.display()));
}

#[test]
fn a_folder_is_not_made_below_one_that_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/ccp");
    let error = refused(&path);
    assert!(matches!(error, FolderError::NoParent { .. }), "{error:?}");
    mended_by(&path, error, &format!("mkdir -p {}", path.parent().unwrap().display()));
}

#[test]
fn a_shared_folder_is_open_to_everybody_and_so_are_its_sockets() {
    let dir = tempfile::tempdir().unwrap();
    let new = dir.path().join("new");
    let old = folder(&dir.path().join("old"), 0o777, None, None);
    for path in [new, old] {
        let _socket = Options::new().folder(&path).shared(true).bind::<Blocking>("portus").unwrap();
        assert_eq!(mode(&path), 0o1777);
        assert_eq!(mode(&path.join("portus")), 0o666);
    }
}

#[test]
fn sharing_does_not_open_the_folder_of_the_environment() {
    let name = "sharing_does_not_open_the_folder_of_the_environment";
    let dir = tempfile::tempdir().unwrap();
    if !is_child() {
        return again(name, |command| {
            command.env("CCP_IPC_DIR", dir.path().join("private"));
        });
    }
    // A name that is refused with its path, before anything is made.
    let bind = |options: Options| options.bind::<Blocking>(&"x".repeat(200)).unwrap_err();
    let named = PathBuf::from(std::env::var_os("CCP_IPC_DIR").unwrap());
    for (options, folder) in [
        (Options::new(), named),
        (Options::new().shared(true), PathBuf::from("/tmp/ccp")),
        (Options::new().shared(true).folder("/tmp/other"), PathBuf::from("/tmp/other")),
    ] {
        let BindError::Name(NameError::TooLong { path, .. }) = bind(options) else {
            panic!("the name is too long")
        };
        assert_eq!(Path::new(&path).parent(), Some(folder.as_path()));
    }
}

#[test]
fn sharing_does_not_excuse_a_foreign_folder() {
    if !is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = folder(&dir.path().join("ccp"), 0o1777, Some(NOBODY), None);
    let result = Options::new().folder(&path).shared(true).bind::<Blocking>("portus");
    assert!(matches!(result, Err(BindError::Folder(FolderError::Foreign { .. }))), "{result:?}");
}

#[test]
fn a_user_may_use_roots_sticky_folder_but_not_share_roots_folder() {
    const ROOTS: &str = "FOLDER_OF_ROOT";
    if is_root() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        folder(&dir.path().join("sticky"), 0o1777, None, None);
        folder(&dir.path().join("private"), 0o755, None, None);
        folder(&dir.path().join("foreign"), 0o755, Some(1), None);
        symlink(dir.path().join("sticky"), dir.path().join("link")).unwrap();
        return again("a_user_may_use_roots_sticky_folder_but_not_share_roots_folder", |command| {
            as_nobody(command);
            command.env(ROOTS, dir.path());
        });
    }
    let Some(dir) = std::env::var_os(ROOTS).map(PathBuf::from) else {
        return;
    };
    let socket = bind(&dir.join("sticky"), "portus").unwrap();
    let file = fs::metadata(dir.join("sticky/portus")).unwrap();
    assert_eq!((file.uid(), file.gid(), file.mode() & 0o7777), (NOBODY, NOBODY, 0o660));
    drop(socket);

    let private = dir.join("private");
    let result = bind(&private, "portus");
    assert!(matches!(result, Err(BindError::Os { call: "bind", .. })), "{result:?}");
    let result = Options::new().folder(&private).shared(true).bind::<Blocking>("portus");
    let text = result.unwrap_err().to_string();
    assert!(
        text.ends_with(&format!("to mend it: sudo chmod 1777 {}", private.display())),
        "{text}"
    );

    let foreign = dir.join("foreign");
    let text = refused(&foreign).to_string();
    let command = format!("sudo chown {NOBODY} {0} && sudo chmod 0700 {0}", foreign.display());
    assert!(text.ends_with(&command), "{text}");
    let link = dir.join("link");
    assert!(
        refused(&link).to_string().ends_with(&format!("to mend it: sudo rm {}", link.display()))
    );
}

#[test]
fn the_environment_names_the_folder_unless_the_caller_does() {
    let name = "the_environment_names_the_folder_unless_the_caller_does";
    let dir = tempfile::tempdir().unwrap();
    if !is_child() {
        return again(name, |command| {
            command.env("CCP_IPC_DIR", dir.path().join("named//"));
        });
    }
    let named = PathBuf::from(std::env::var_os("CCP_IPC_DIR").unwrap());
    let socket = Socket::<Blocking>::new("portus").unwrap();
    assert_eq!(socket.local_addr().path(), Some(named.join("portus").as_path()));
    assert_eq!(socket.peer("other").unwrap().path(), Some(named.join("other").as_path()));
    let asked = bind(&dir.path().join("asked"), "portus").unwrap();
    assert_eq!(asked.local_addr().path(), Some(dir.path().join("asked/portus").as_path()));
}

#[test]
fn a_relative_folder_is_found_from_everywhere() {
    let name = "a_relative_folder_is_found_from_everywhere";
    let dir = tempfile::tempdir().unwrap();
    if !is_child() {
        return again(name, |command| {
            command.current_dir(dir.path());
        });
    }
    let socket = bind(Path::new("./ccp"), "portus").unwrap();
    assert_eq!(
        socket.local_addr().path(),
        Some(std::env::current_dir().unwrap().join("ccp/portus").as_path())
    );
}

#[test]
fn a_socket_left_behind_is_replaced_and_a_live_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("portus");
    drop(UnixDatagram::bind(&path).unwrap());
    assert!(path.exists(), "std leaves the file");
    let first = bind(dir.path(), "portus").unwrap();
    let error = bind(dir.path(), "portus").unwrap_err();
    assert!(matches!(&error, BindError::InUse { path: p } if *p == path), "{error:?}");
    assert_eq!(first.probe(first.local_addr()), Liveness::Alive);
    drop(first);
    bind(dir.path(), "portus").unwrap();
}

#[test]
fn a_live_socket_of_another_kind_or_with_a_partner_is_live() {
    let dir = tempfile::tempdir().unwrap();
    let _stream = std::os::unix::net::UnixListener::bind(dir.path().join("stream")).unwrap();
    assert!(matches!(bind(dir.path(), "stream"), Err(BindError::InUse { .. })));

    let busy = UnixDatagram::bind(dir.path().join("busy")).unwrap();
    let partner = bind(dir.path(), "partner").unwrap();
    busy.connect(partner.local_addr().path().unwrap()).unwrap();
    assert!(matches!(bind(dir.path(), "busy"), Err(BindError::InUse { .. })));
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "precious").unwrap();
    let stale = dir.path().join("stale");
    drop(UnixDatagram::bind(&stale).unwrap());
    symlink(&stale, dir.path().join("link")).unwrap();
    for name in ["file", "link"] {
        assert!(matches!(bind(dir.path(), name), Err(BindError::NotASocket { .. })));
    }
    assert_eq!(fs::read_to_string(dir.path().join("file")).unwrap(), "precious");
    assert!(stale.exists());
}

#[test]
fn of_many_that_start_at_once_one_gets_the_name() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..20 {
        drop(UnixDatagram::bind(dir.path().join("portus")).unwrap());
        let got: Vec<_> = std::thread::scope(|scope| {
            let starting: Vec<_> =
                (0..4).map(|_| scope.spawn(|| bind(dir.path(), "portus"))).collect();
            starting.into_iter().map(|s| s.join().unwrap()).collect()
        });
        let bound: Vec<_> = got.iter().filter_map(|result| result.as_ref().ok()).collect();
        assert_eq!(bound.len(), 1, "{got:?}");
        assert_eq!(bound[0].probe(bound[0].local_addr()), Liveness::Alive);
    }
}

#[test]
fn the_file_goes_with_the_socket_unless_it_is_somebody_elses() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("portus");
    let mut socket = bind(dir.path(), "portus").unwrap();
    socket.close().unwrap();
    assert!(!path.exists());
    socket.close().unwrap();

    drop(bind(dir.path(), "portus").unwrap());
    assert!(!path.exists());

    let robbed = bind(dir.path(), "portus").unwrap();
    fs::remove_file(&path).unwrap();
    let successor = UnixDatagram::bind(&path).unwrap();
    drop(robbed);
    assert!(path.exists());
    drop(successor);

    let mut lost = bind(dir.path(), "portus").unwrap();
    fs::remove_file(&path).unwrap();
    lost.close().unwrap();
}

#[test]
fn a_failed_bind_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ccp");
    for name in ["", ".", "..", "a/b", "../a", "a\0b"] {
        assert!(matches!(bind(&path, name), Err(BindError::Name(_))), "{name:?}");
    }
    let long = "x".repeat(120);
    assert!(matches!(
        bind(&path, &long),
        Err(BindError::Name(NameError::TooLong { max: 107, .. }))
    ));
    assert!(!path.exists(), "not even the folder");
}

#[test]
fn a_path_of_the_greatest_length_works_both_ways() {
    let dir = tempfile::tempdir().unwrap();
    let room = 107 - dir.path().as_os_str().len() - 1;
    let long = bind(dir.path(), &"x".repeat(room)).unwrap();
    let other = bind(dir.path(), "other").unwrap();
    long.try_send(b"hello", other.local_addr()).unwrap();
    let mut buf = [0; 8];
    let got = other.recv(&mut buf, None).unwrap();
    assert_eq!(got, ccp_ipc::Received::Datagram { len: 5, from: *long.local_addr() });
    other.try_send(b"hello", long.local_addr()).unwrap();
    assert!(
        fs::set_permissions(long.local_addr().path().unwrap(), fs::Permissions::from_mode(0o600))
            .is_ok()
    );
}
