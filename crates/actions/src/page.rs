//! Pages of lists: one thing more is read than is shown, which tells whether there is a next page.

/// Of `found`, which are `limit` and one, those that are shown, and the number of the last where there are more.
pub(crate) fn page<T, N>(mut found: Vec<T>, limit: u64, number: impl Fn(&T) -> N) -> (Vec<T>, Option<N>) {
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > shown;
    found.truncate(shown);
    let next = found.last().map(number).filter(|_| more);
    (found, next)
}
