//! Linked files and folders: what is in `shared/` outlives releases.

use std::fs;

use engine::remote::status;

use crate::asks::ask;
use crate::machine::Machine;
use crate::site::Site;
use crate::tree::Parcel;

const DIRS: [&str; 4] = ["storage", "public/up loads", "-new/deeper/one", "empty"];

#[tokio::test]
async fn a_linked_folder_is_filled_once_and_then_kept() {
    let first =
        Parcel::of(&[("storage/seed", "first"), ("public/up loads/logo", "first"), ("public/index", "1")]);
    let second =
        Parcel::of(&[("storage/seed", "second"), ("public/up loads/logo", "second"), ("public/index", "2")]);
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let mut driver = site.locked().await;
        let answer = first.send_linked(&mut driver, "one", &DIRS, &[]).await;
        assert_eq!(answer.status, 0, "{answer:?}");
        fs::write(site.path("releases/one/storage/upload"), "by a user").unwrap();
        fs::write(site.path("releases/one/-new/deeper/one/x"), "by a user").unwrap();
        let answer = second.send_linked(&mut driver, "two", &DIRS, &[]).await;
        assert_eq!(answer.status, 0, "{answer:?}");
        for release in ["one", "two"] {
            let read =
                |path: &str| fs::read_to_string(site.path(&format!("releases/{release}/{path}"))).unwrap();
            assert_eq!(read("storage/seed"), "first");
            assert_eq!(read("storage/upload"), "by a user");
            assert_eq!(read("public/up loads/logo"), "first");
            assert_eq!(read("-new/deeper/one/x"), "by a user");
            assert_eq!(site.link(&format!("releases/{release}/storage")), "../../shared/storage");
            assert_eq!(
                site.link(&format!("releases/{release}/public/up loads")),
                "../../../shared/public/up loads"
            );
        }
        assert_eq!(fs::read_to_string(site.path("releases/two/public/index")).unwrap(), "2");
        assert_eq!(site.names("shared/empty"), [""; 0]);
        assert_eq!(ask(&mut driver, "activate", &["two", ""]).await.status, 0);
    }
}

#[tokio::test]
async fn a_linked_folder_may_be_a_link_to_another_disk() {
    let parcel = Parcel::of(&[("storage/seed", "first")]);
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let mut driver = site.locked().await;
        let elsewhere = site.folder().join("big disk");
        fs::create_dir(&elsewhere).unwrap();
        fs::write(elsewhere.join("upload"), "by a user").unwrap();
        std::os::unix::fs::symlink(&elsewhere, site.path("shared/storage")).unwrap();
        let answer = parcel.send_linked(&mut driver, "one", &["storage"], &[]).await;
        assert_eq!(answer.status, 0, "{answer:?}");
        assert_eq!(fs::read_to_string(site.path("releases/one/storage/upload")).unwrap(), "by a user");
        assert!(!elsewhere.join("seed").exists());
    }
}

#[tokio::test]
async fn a_linked_file_takes_the_place_of_what_is_packed() {
    let parcel =
        Parcel::of(&[(".env", "from git"), ("config/it's.yml", "from git"), ("config/other", "kept")]);
    let files = [".env", "config/it's.yml", "new/$(id)/file"];
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let mut driver = site.locked().await;
        for file in files {
            let path = site.path("shared").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "from shared").unwrap();
        }
        let answer = parcel.send_linked(&mut driver, "one", &[], &files).await;
        assert_eq!(answer.status, 0, "{answer:?}");
        for file in files {
            let path = site.path("releases/one").join(file);
            assert!(path.is_symlink(), "{file}");
            assert_eq!(fs::read_to_string(path).unwrap(), "from shared", "{file}");
        }
        assert_eq!(fs::read_to_string(site.path("releases/one/config/other")).unwrap(), "kept");
    }
}

#[tokio::test]
async fn a_linked_file_that_is_not_there_keeps_the_release_out() {
    let parcel = Parcel::of(&[("index", "one")]);
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let mut driver = site.locked().await;
        let answer = parcel.send_linked(&mut driver, "one", &[], &["config/a b"]).await;
        assert_eq!((answer.status, answer.get("missing")), (status::MISSING, Some("config/a b")));
        assert_eq!(site.names("releases"), [""; 0]);
    }
}
