//! Builds again when the page was built again.

use std::path::Path;

fn main() {
    // What is not there would count as changed at every build.
    let built = Path::new("../../ui/dist");
    let watched = if built.exists() { built } else { Path::new("../../ui") };
    println!("cargo:rerun-if-changed={}", watched.display());
}
