//! The page that `/` shows.

/// The page: plain HTML without a script, for as long as there is no built page to embed.
pub fn page() -> &'static str {
    include_str!("page.html")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_runs_and_loads_nothing() {
        let page = super::page().to_lowercase();
        for part in ["<script", "<style", "style=", "http://", "https://", "<img", "<link"] {
            assert!(!page.contains(part), "{part}");
        }
        assert!(page.starts_with("<!doctype html>"));
    }
}
