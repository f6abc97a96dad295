//! Text with escapes, read as what it stands for: `%2F` as in addresses, `\n`, `\u00e9`, `\x41` and `\$` as JSON, shells
//! and programming languages write them.

use super::values::{Trace, Values};

/// What the beginning of an escape is.
enum Escape {
    /// Not all of it was read.
    More,
    /// All of it; this is what it stands for.
    Whole(Vec<u8>),
    /// No escape.
    None,
}

/// A stream read as text with escapes of one kind.
#[derive(Debug)]
pub(super) struct Escapes {
    /// What every escape begins with.
    mark: u8,
    understand: fn(&[u8]) -> Escape,
    trace: Trace,
    /// An escape of which more has to be read, and its place.
    open: Vec<u8>,
    from: u64,
}

impl Escapes {
    /// Percent signs and two hexadecimal digits (RFC 3986), of either case.
    pub(super) fn percent() -> Self {
        Self { mark: b'%', understand: percent, trace: Trace::default(), open: Vec::new(), from: 0 }
    }

    /// Backslashes.
    pub(super) fn backslash() -> Self {
        Self { mark: b'\\', understand: backslash, trace: Trace::default(), open: Vec::new(), from: 0 }
    }

    /// Reads one byte.
    pub(super) fn read(&mut self, values: &Values, at: u64, byte: u8, found: &mut Vec<(u64, u64)>) {
        if self.open.is_empty() {
            if byte != self.mark {
                return self.step(values, byte, at, at + 1, found);
            }
            self.from = at;
        }
        self.open.push(byte);
        while let Some(first) = self.open.first().copied() {
            // Behind what was no escape stands plain text, or the next one.
            let escape = if first == self.mark { (self.understand)(&self.open) } else { Escape::None };
            match escape {
                Escape::More => return,
                Escape::Whole(bytes) => {
                    let from = self.from;
                    self.open.clear();
                    for byte in bytes {
                        self.step(values, byte, from, at + 1, found);
                    }
                }
                Escape::None => {
                    let place = self.from;
                    self.open.remove(0);
                    self.from += 1;
                    self.step(values, first, place, place + 1, found);
                }
            }
        }
    }

    fn step(&mut self, values: &Values, byte: u8, from: u64, to: u64, found: &mut Vec<(u64, u64)>) {
        if let Some(from) = self.trace.step(values, byte, from) {
            found.push((from, to));
        }
    }

    /// The first place where something begins that may become a secret.
    pub(super) fn begun(&self) -> Option<u64> {
        self.trace.begun().or_else(|| (!self.open.is_empty()).then_some(self.from))
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    // It takes a sign, too.
    let digits = digits.iter().all(u8::is_ascii_hexdigit).then_some(digits)?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// `digits` so far of an escape with `count` of them.
fn digits(digits: &[u8], count: usize, whole: impl FnOnce(u32) -> Escape) -> Escape {
    match hex(digits) {
        Some(number) if digits.len() == count => whole(number),
        Some(_) => Escape::More,
        None if digits.is_empty() => Escape::More,
        None => Escape::None,
    }
}

fn byte(number: u32) -> Escape {
    u8::try_from(number).map_or(Escape::None, |byte| Escape::Whole(vec![byte]))
}

fn percent(open: &[u8]) -> Escape {
    digits(open.get(1..).unwrap_or_default(), 2, byte)
}

fn backslash(open: &[u8]) -> Escape {
    let Some((kind, rest)) = open.get(1..).and_then(<[u8]>::split_first) else { return Escape::More };
    match kind {
        b'n' => Escape::Whole(vec![b'\n']),
        b't' => Escape::Whole(vec![b'\t']),
        b'r' => Escape::Whole(vec![b'\r']),
        b'b' => Escape::Whole(vec![8]),
        b'f' => Escape::Whole(vec![12]),
        b'x' => digits(rest, 2, byte),
        b'u' => unicode(rest),
        // Three octal digits, as bash and git write what is not ASCII.
        b'0'..=b'3' => match rest {
            [] | [b'0'..=b'7'] => Escape::More,
            [middle @ b'0'..=b'7', last @ b'0'..=b'7'] => {
                Escape::Whole(vec![((kind & 3) << 6) | ((middle & 7) << 3) | (last & 7)])
            }
            _ => Escape::None,
        },
        other => Escape::Whole(vec![*other]),
    }
}

/// What follows `\u`: four digits, and four more behind another `\u` for what JSON writes as a pair.
fn unicode(rest: &[u8]) -> Escape {
    let char = |number| match char::from_u32(number) {
        Some(char) => Escape::Whole(char.to_string().into_bytes()),
        None => Escape::None,
    };
    let (first, second) = rest.split_at(rest.len().min(4));
    digits(first, 4, |high| match (high, second) {
        (0xd800..0xdc00, [] | [b'\\'] | [b'\\', b'u']) => Escape::More,
        (0xd800..0xdc00, [b'\\', b'u', low @ ..]) => digits(low, 4, |low| match low {
            0xdc00..0xe000 => char(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)),
            _ => Escape::None,
        }),
        (0xd800..0xdc00, _) => Escape::None,
        _ => char(high),
    })
}
