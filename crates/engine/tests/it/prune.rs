//! Prune: exactly what is named goes, never what is live, and nobody waits for it.

use std::fs;
use std::os::unix::fs::symlink;

use engine::remote::DRIVER_HASH;

use crate::asks::ask;
use crate::machine::Machine;
use crate::site::{Site, wait_until};

#[tokio::test]
async fn what_is_named_goes_and_everything_else_stays() {
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let mut driver = site.locked().await;
        for name in ["t-1", "t-2", "t-3", "by hand", ".hidden"] {
            fs::create_dir_all(site.path("releases").join(name).join("folder")).unwrap();
            fs::write(site.path("releases").join(name).join("folder/file"), name).unwrap();
        }
        for name in ["t-1", "t-2"] {
            fs::create_dir(site.path(".aweigh/manifests").join(name)).unwrap();
        }
        // Of a rollback there is no folder; the last one is of this release itself.
        for run in ["1", "2", "7", "42", "notes"] {
            fs::create_dir_all(site.path(".aweigh/runs").join(run).join("hook-1")).unwrap();
        }
        fs::write(site.path(".aweigh/driver-0123456789abcdef"), "an earlier one").unwrap();
        fs::write(site.folder().join("outside"), "").unwrap();
        symlink("releases/t-3", site.path("current")).unwrap();
        for made in ["next-0123456789abcdef", "next-by-hand-12"] {
            symlink("releases/t-1", site.path(".aweigh").join(made)).unwrap();
        }
        let named =
            ["t-1", "t-3", "t-9", "", ".", "..", "../shared", "/", ".hidden", "-rf", "t-1/folder", "*", "x-"];
        let note = "Branch main (at abc) deployed; $(id) 'x'";
        let mut values = vec!["t-2".to_owned(), note.to_owned(), named.len().to_string()];
        values.extend(named.map(str::to_owned));
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let answer = ask(&mut driver, "prune", &values).await;
        assert_eq!(answer.status, 0, "{answer:?}");
        assert_eq!(answer.all("removed").collect::<Vec<_>>(), ["t-1"]);
        assert_eq!(site.names("releases"), [".hidden", "by hand", "t-2", "t-3"]);
        assert_eq!(fs::read_to_string(site.path("current/folder/file")).unwrap(), "t-3");
        assert_eq!(site.names(".aweigh/manifests"), ["t-2"]);
        assert_eq!(site.names(".aweigh/manifests/t-2"), ["good"]);
        assert_eq!(site.names(".aweigh/runs"), ["2", "42", "notes"]);
        assert!(site.path("shared").is_dir() && site.folder().join("outside").exists());
        assert!(!site.path(".aweigh/driver-0123456789abcdef").exists());
        let made: Vec<_> =
            site.names(".aweigh").into_iter().filter(|name| name.starts_with("next-")).collect();
        assert_eq!(made, ["next-by-hand-12"]);
        assert!(site.path(&format!(".aweigh/driver-{}", *DRIVER_HASH)).exists());
        wait_until("an empty trash", || site.names(".aweigh/trash").is_empty()).await;
        let log = "Branch main (at abc) deployed; $(id) 'x'\n";
        assert_eq!(fs::read_to_string(site.path("revisions.log")).unwrap(), log);
        // Whose answer was lost asks once more.
        assert_eq!(ask(&mut driver, "prune", &["t-2", note, "0"]).await.status, 0);
        assert_eq!(fs::read_to_string(site.path("revisions.log")).unwrap(), log);
        // Without a note there is no line.
        assert_eq!(ask(&mut driver, "prune", &["../../shared", "", "0"]).await.status, 0);
        assert_eq!(fs::read_to_string(site.path("revisions.log")).unwrap(), log);
        assert_eq!(site.names("shared"), [""; 0], "only a release of ours can be good");
    }
}

#[tokio::test]
async fn what_is_live_stays_however_the_link_is_written() {
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let mut driver = site.locked().await;
        fs::create_dir(site.path("releases/t-1")).unwrap();
        for live in
            [site.path("releases/t-1").to_str().unwrap(), "./releases/t-1/", "releases/../releases/t-1"]
        {
            let _ = fs::remove_file(site.path("current"));
            symlink(live, site.path("current")).unwrap();
            assert_eq!(ask(&mut driver, "prune", &["", "", "1", "t-1"]).await.get("removed"), None, "{live}");
            assert!(site.path("current/.").is_dir(), "{live} is gone");
        }
    }
}
