//! The port `Parcels` on `transport`.

use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use engine::ports::{Parcel, ParcelError, Parcels};
use transport::{Error, Summed, pack, unpack};

/// Archives as `transport` reads and writes them.
#[derive(Debug, Clone, Copy)]
pub struct Archives;

impl Parcels for Archives {
    fn unpack(&self, from: &mut dyn Read, folder: &Path) -> Result<(), ParcelError> {
        unpack(from, folder, &mut |_| ()).map_err(|error| told(&error))
    }

    fn pack(&self, folder: &Path, into: &mut dyn Write) -> Result<(), ParcelError> {
        pack(folder, into, &mut |_| ()).map_err(|error| told(&error))
    }

    fn sum(&self, path: &Path) -> Result<Parcel, ParcelError> {
        let Summed { path, sums } = Summed::of(path).map_err(|error| told(&error))?;
        Ok(Parcel { is_folder: path.is_dir(), path, sums })
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
