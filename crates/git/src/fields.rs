//! Reads NUL-separated fields while git writes them, so that one huge field of a hostile commit costs no memory.

/// Bytes of a field that are kept.
const KEPT: usize = 4096;

/// Fields that ended with a NUL so far. What is longer than 4096 bytes is cut.
pub(crate) struct Fields {
    kept: Vec<u8>,
    /// How many bytes at the end belong to a field that has not ended yet.
    open: usize,
    /// How many have ended, wanted or not.
    ended: usize,
    is_wanted: fn(&[u8]) -> bool,
}

impl Default for Fields {
    fn default() -> Self {
        Self::only(|_| true)
    }
}

impl Fields {
    /// Keeps only what is wanted.
    pub(crate) fn only(is_wanted: fn(&[u8]) -> bool) -> Self {
        Self { kept: Vec::new(), open: 0, ended: 0, is_wanted }
    }

    /// Takes the next bytes of the output.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        let mut pieces = bytes.split(|byte| *byte == 0);
        if let Some(first) = pieces.next() {
            self.extend(first);
        }
        for piece in pieces {
            let start = self.kept.len() - self.open;
            if (self.is_wanted)(self.kept.get(start..).unwrap_or_default()) {
                self.kept.push(0);
            } else {
                self.kept.truncate(start);
            }
            self.open = 0;
            self.ended += 1;
            self.extend(piece);
        }
    }

    /// How many fields have ended so far.
    pub(crate) fn ended(&self) -> usize {
        self.ended
    }

    fn extend(&mut self, piece: &[u8]) {
        let taken = piece.get(..KEPT - self.open).unwrap_or(piece);
        self.kept.extend_from_slice(taken);
        self.open += taken.len();
    }

    /// The fields, each with its NUL. One that has not ended is left out.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.kept.truncate(self.kept.len() - self.open);
        self.kept
    }
}

/// Returns the records of `N` fields each. The newline that git writes after a record is no part of the next one.
pub(crate) fn records<const N: usize>(kept: &[u8]) -> Vec<[String; N]> {
    let mut fields: Vec<&[u8]> = kept.split(|byte| *byte == 0).collect();
    // Behind the last NUL there is nothing.
    fields.pop();
    let text = |field: &[u8]| String::from_utf8_lossy(field).into_owned();
    let record = |fields: &[&[u8]]| {
        let mut record = [const { String::new() }; N];
        for (place, field) in record.iter_mut().zip(fields) {
            *place = text(field);
        }
        if let Some(first) = record.first_mut()
            && first.starts_with('\n')
        {
            first.remove(0);
        }
        record
    };
    fields.chunks(N).map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_may_be_split_anywhere() {
        let mut fields = Fields::default();
        for bytes in ["ma", "in\0fi", "rst\nline\0", "\ndev", "\0x\0", "open"] {
            fields.feed(bytes.as_bytes());
        }
        assert_eq!(records::<2>(&fields.end()), [["main", "first\nline"], ["dev", "x"]]);
        assert_eq!(records::<2>(&Fields::default().end()), [[""; 2]; 0]);
    }

    #[test]
    fn what_is_not_wanted_is_not_kept() {
        let mut fields = Fields::only(|field| field.starts_with(b"x"));
        for bytes in ["a\0x", "1\0b\0\0x2\0", "c"] {
            fields.feed(bytes.as_bytes());
        }
        assert_eq!(fields.end(), b"x1\0x2\0");
    }

    #[test]
    fn a_huge_field_is_cut() {
        let mut fields = Fields::default();
        for _ in 0..100 {
            fields.feed(&[b'x'; 1000]);
        }
        fields.feed(b"\0y\0");
        let records = records::<2>(&fields.end());
        assert_eq!((records[0][0].len(), records[0][1].as_str()), (KEPT, "y"));
    }
}
