//! Reads NUL-separated fields while git writes them, so that one huge field of a hostile commit costs no memory.

/// Bytes of a field that are kept.
const KEPT: usize = 4096;

/// Fields that ended with a NUL so far. What is longer than 4096 bytes is cut.
#[derive(Default)]
pub(crate) struct Fields {
    done: Vec<String>,
    open: Vec<u8>,
}

impl Fields {
    /// Takes the next bytes of the output.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        let mut pieces = bytes.split(|byte| *byte == 0);
        if let Some(first) = pieces.next() {
            self.extend(first);
        }
        for piece in pieces {
            self.done.push(String::from_utf8_lossy(&self.open).into_owned());
            self.open.clear();
            self.extend(piece);
        }
    }

    fn extend(&mut self, piece: &[u8]) {
        let room = KEPT - self.open.len();
        self.open.extend(piece.iter().take(room));
    }

    /// Returns the records of `N` fields each. The newline that git writes after a record is no part of the next one.
    pub(crate) fn records<const N: usize>(self) -> Vec<[String; N]> {
        let mut fields = self.done.into_iter();
        let mut records = Vec::new();
        while let Some(first) = fields.next() {
            let mut record = [const { String::new() }; N];
            let rest = fields.by_ref().take(N - 1);
            for (place, field) in record.iter_mut().zip(std::iter::once(first).chain(rest)) {
                *place = field;
            }
            if let Some(first) = record.first_mut()
                && first.starts_with('\n')
            {
                first.remove(0);
            }
            records.push(record);
        }
        records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_may_be_split_anywhere() {
        let mut fields = Fields::default();
        for bytes in ["ma", "in\0fi", "rst\nline\0", "\ndev", "\0x\0"] {
            fields.feed(bytes.as_bytes());
        }
        assert_eq!(fields.records::<2>(), [["main", "first\nline"], ["dev", "x"]]);
    }

    #[test]
    fn a_huge_field_is_cut() {
        let mut fields = Fields::default();
        for _ in 0..100 {
            fields.feed(&[b'x'; 1000]);
        }
        fields.feed(b"\0y\0");
        let records = fields.records::<2>();
        assert_eq!((records[0][0].len(), records[0][1].as_str()), (KEPT, "y"));
    }
}
