//! Compresses the OpenAPI document: it is a third of a megabyte, and rarely asked for.

use std::fs::{File, read};
use std::io::{Error, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

fn main() -> Result<(), Error> {
    let document = "../../ui/openapi.json";
    println!("cargo::rerun-if-changed={document}");
    let folder = std::env::var_os("OUT_DIR").ok_or_else(|| Error::other("cargo sets OUT_DIR"))?;
    let mut packed =
        GzEncoder::new(File::create(Path::new(&folder).join("openapi.json.gz"))?, Compression::best());
    packed.write_all(&read(document)?)?;
    packed.finish()?.sync_all()
}
