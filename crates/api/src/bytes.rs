//! Numbers of bytes as people write them: `500MiB`, `5GiB`.

const UNITS: [(&str, u32); 4] = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)];

/// Reads a number of bytes, of one at least.
pub fn parse(text: &str) -> Result<u64, String> {
    let bad = || {
        format!("is not a size: write 500MiB or 5GiB, not {:?}", text.chars().take(40).collect::<String>())
    };
    let digits = text.trim_end_matches(|char: char| !char.is_ascii_digit());
    let unit = text.strip_prefix(digits).map(str::trim);
    let (_, shift) = UNITS.iter().find(|(name, _)| Some(*name) == unit).ok_or_else(bad)?;
    let number: u64 = digits.parse().map_err(|_| bad())?;
    number.checked_mul(1 << shift).filter(|bytes| *bytes > 0).ok_or_else(bad)
}

/// The shortest way to write `bytes`, which was read by [`parse`].
pub fn print(bytes: u64) -> String {
    let fits = |shift: u32| bytes.trailing_zeros() >= shift;
    let (name, shift) = UNITS.iter().rev().find(|(_, shift)| fits(*shift)).copied().unwrap_or(("KiB", 10));
    format!("{}{name}", bytes >> shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit_and_come_back() {
        for (text, bytes) in [("5GiB", 5 << 30), ("500MiB", 500 << 20), ("1TiB", 1 << 40), ("3KiB", 3 << 10)]
        {
            assert_eq!(parse(text), Ok(bytes), "{text}");
            assert_eq!(print(bytes), text);
        }
        assert_eq!(parse("500 MiB"), Ok(500 << 20));
        assert_eq!(print(1536 << 20), "1536MiB");
        for bad in ["", "5", "GiB", "5GB", "0MiB", "-1MiB", "99999999999TiB"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
