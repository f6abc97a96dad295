//! The values that are masked, as one automaton (Aho and Corasick) that is walked byte by byte.

use std::collections::{BTreeSet, VecDeque};

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::noncontiguous::NFA;
use aho_corasick::{Anchored, MatchKind};
use model::{ExposeSecret, SecretString};

use super::SHORTEST;

/// The values, and how to look for them.
pub(super) struct Values {
    automaton: NFA,
    start: StateID,
    /// For each state, how many bytes led to it: that many at the end of what was read begin a value.
    depths: Vec<u32>,
    /// Whether a value begins with this byte.
    first: [bool; 256],
    /// Whether a value begins with a byte whose highest 2, 4 or 6 bits are these.
    begins: [Vec<bool>; 3],
}

impl Values {
    /// The values and their lines; `None` where nothing is long enough.
    pub(super) fn of<'a>(secrets: impl IntoIterator<Item = &'a SecretString>) -> Option<Self> {
        let mut patterns = BTreeSet::new();
        for secret in secrets {
            collect(secret.expose_secret(), &mut patterns);
        }
        if patterns.is_empty() {
            return None;
        }
        // Standard: all that ends at a byte is told there, however it overlaps.
        let mut builder = NFA::builder();
        builder.match_kind(MatchKind::Standard).dense_depth(1).prefilter(false);
        let automaton = builder.build(&patterns).ok()?;
        let start = automaton.start_state(Anchored::No).ok()?;
        let mut depths = Vec::new();
        let mut firsts = [false; 256];
        let mut begins = [vec![false; 1 << 2], vec![false; 1 << 4], vec![false; 1 << 6]];
        for pattern in &patterns {
            let mut state = start;
            for (depth, byte) in (1..).zip(pattern.bytes()) {
                state = automaton.next_state(Anchored::No, state, byte);
                if depths.len() <= state.as_usize() {
                    depths.resize(state.as_usize() + 1, 0);
                }
                if let Some(slot) = depths.get_mut(state.as_usize()) {
                    *slot = depth;
                }
            }
            let first = pattern.bytes().next().unwrap_or_default();
            if let Some(slot) = firsts.get_mut(usize::from(first)) {
                *slot = true;
            }
            for (bits, table) in [2, 4, 6].into_iter().zip(&mut begins) {
                if let Some(slot) = table.get_mut(usize::from(first >> (8 - bits))) {
                    *slot = true;
                }
            }
        }
        Some(Self { automaton, start, depths, first: firsts, begins })
    }

    /// Whether some value begins with a byte that begins with the lowest `count` (2, 4 or 6) of these bits.
    pub(super) fn may_begin(&self, bits: u8, count: u8) -> bool {
        let table = self.begins.get(usize::from(count / 2).saturating_sub(1));
        let bits = usize::from(bits) & ((1 << count) - 1);
        table.and_then(|table| table.get(bits)).copied().unwrap_or_default()
    }

    /// The longest value that ends in this state, in bytes.
    fn longest(&self, state: StateID) -> Option<usize> {
        if !self.automaton.is_match(state) {
            return None;
        }
        let ends = 0..self.automaton.match_len(state);
        ends.map(|n| self.automaton.pattern_len(self.automaton.match_pattern(state, n))).max()
    }

    /// About how many bytes of memory they take.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.automaton.memory_usage() + self.depths.len() * size_of::<u32>()
    }
}

/// Whether a value is masked where it stands by itself.
pub(super) fn is_masked(value: &str) -> bool {
    value.len() >= SHORTEST && !is_frame(value)
}

/// The first and the last line of a key in PEM (RFC 7468) are no secret; masking them would only puzzle.
fn is_frame(line: &str) -> bool {
    let label = ["BEGIN ", "END "].iter().find_map(|word| line.strip_prefix("-----")?.strip_prefix(word));
    label.and_then(|label| label.strip_suffix("-----")).is_some_and(|label| !label.contains(['-', '\\']))
}

/// Everything that stands for one secret: the whole, its lines, and how a shell quotes or a form encodes what the
/// readings do not undo.
fn collect(secret: &str, patterns: &mut BTreeSet<String>) {
    let whole = secret.trim();
    // A key that stands on one line, as files of variables have it, says `\n` where programs see the end of a line.
    let lines = whole.lines().flat_map(|line| line.split(r"\n")).map(str::trim);
    // A key as a whole, in its frame, is masked by its lines: the frame stays.
    let whole = Some(whole)
        .filter(|whole| !(whole.contains('\n') && is_frame(whole.lines().next().unwrap_or_default())));
    for text in whole.into_iter().chain(lines).filter(|text| is_masked(text)) {
        patterns.insert(text.to_owned());
        if text.contains('\n') {
            patterns.insert(text.replace("\r\n", "\n").replace('\n', "\r\n"));
        }
        if text.contains('\'') {
            patterns.insert(text.replace('\'', r"'\''"));
            patterns.insert(text.replace('\'', r#"'"'"'"#));
        }
        if text.contains(' ') {
            patterns.insert(text.replace(' ', "+"));
        }
    }
}

/// Where one reading of a stream stands.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// `None` where nothing has begun.
    state: Option<StateID>,
    /// Where in the stream each byte stands that has begun something.
    places: VecDeque<u64>,
}

impl Trace {
    /// Goes on by one byte that begins at `place` of the stream; where a value begins that ends with it.
    #[inline]
    pub(super) fn step(&mut self, values: &Values, byte: u8, place: u64) -> Option<u64> {
        // Almost every byte is one of these: nothing has begun, and it begins nothing.
        if self.state.is_none() && !values.first.get(usize::from(byte)).is_some_and(|begins| *begins) {
            return None;
        }
        self.walk(values, byte, place)
    }

    fn walk(&mut self, values: &Values, byte: u8, place: u64) -> Option<u64> {
        let state = values.automaton.next_state(Anchored::No, self.state.unwrap_or(values.start), byte);
        let depth = values.depths.get(state.as_usize()).map_or(0, |depth| *depth as usize);
        self.places.push_back(place);
        let over = self.places.len().saturating_sub(depth);
        self.places.drain(..over);
        self.state = (depth > 0).then_some(state);
        values.longest(state).and_then(|length| self.places.get(depth.checked_sub(length)?)).copied()
    }

    /// The place where begins what may become a value.
    pub(super) fn begun(&self) -> Option<u64> {
        self.places.front().copied()
    }

    /// How many bytes of a value were read.
    pub(super) fn depth(&self) -> usize {
        self.places.len()
    }

    /// What has begun goes on nowhere.
    pub(super) fn cut(&mut self) {
        self.state = None;
        self.places.clear();
    }
}
