//! The port `Parcels` on `transport`.

use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use engine::ports::{Parcel, ParcelError, Parcels};
use transport::{Error, Summed, pack, unpack_one};

/// Archives as `transport` reads and writes them.
#[derive(Debug, Clone, Copy)]
pub struct Archives;

impl Parcels for Archives {
    fn unpack_one(&self, from: &mut dyn Read, folder: &Path) -> Result<Option<Parcel>, ParcelError> {
        let one = unpack_one(from, folder, &mut |_| ()).map_err(|error| told(&error))?;
        Ok(one.map(|Summed { path, sums }| Parcel { is_folder: path.is_dir(), path, sums }))
    }

    fn pack(&self, folder: &Path, into: &mut dyn Write) -> Result<(), ParcelError> {
        pack(folder, into, &mut |_| ()).map_err(|error| told(&error))
    }
}

fn told(error: &Error) -> ParcelError {
    let is_unfit = match error {
        // A name that is there twice, or cannot be brought; a full disk is our trouble.
        Error::LocalFile { source, .. } => !matches!(
            source.kind(),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::PermissionDenied
        ),
        _ => true,
    };
    ParcelError { message: error.to_string(), is_unfit }
}
