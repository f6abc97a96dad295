//! The page, built by `make` from the sources in `ui/` and embedded here.
//!
//! Without a built page a plain one says how to build it, so that neither `cargo build` nor a test needs Node.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::GzDecoder;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
#[allow_missing = true]
struct Built;

/// The languages of the page, the first one where nothing else is wished.
pub const LANGUAGES: [&str; 2] = ["en", "zh"];

/// The themes of the page; `auto` follows the system.
pub const THEMES: [&str; 3] = ["auto", "light", "dark"];

/// The page in one of [`LANGUAGES`] and [`THEMES`], so that it is drawn right before any script runs.
pub fn page(language: &str, theme: &str) -> String {
    let built = Built::get("index.html");
    let html = match &built {
        Some(file) => String::from_utf8_lossy(&file.data),
        None => Cow::Borrowed(include_str!("page.html")),
    };
    let language = LANGUAGES.iter().find(|known| **known == language).unwrap_or(&LANGUAGES[0]);
    let theme = THEMES.iter().find(|known| **known == theme).unwrap_or(&THEMES[0]);
    html.replacen("<html lang=\"en\"", &format!("<html lang=\"{language}\" data-theme=\"{theme}\""), 1)
}

/// Whether the page was built.
pub fn is_built() -> bool {
    Built::get("index.html").is_some()
}

/// How an asset is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Brotli, RFC 7932.
    Brotli,
    /// RFC 1952.
    Gzip,
}

/// A file of the page.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Its bytes.
    pub bytes: Cow<'static, [u8]>,
    /// Its media type.
    pub kind: &'static str,
    /// How the bytes are compressed.
    pub coding: Option<Coding>,
}

/// The asset at `path` (`app-1a2b3c.js`), compressed in the best way that `accepts` allows.
///
/// Only compressed files are embedded: for whoever accepts neither coding, which no browser does, one is unpacked.
pub fn asset(path: &str, accepts: impl Fn(Coding) -> bool) -> Option<Asset> {
    let kind = kind(path)?;
    if accepts(Coding::Brotli) {
        let file = Built::get(&format!("assets/{path}.br"))?;
        return Some(Asset { bytes: file.data, kind, coding: Some(Coding::Brotli) });
    }
    let file = Built::get(&format!("assets/{path}.gz"))?;
    if accepts(Coding::Gzip) {
        return Some(Asset { bytes: file.data, kind, coding: Some(Coding::Gzip) });
    }
    let mut bytes = Vec::new();
    GzDecoder::new(&*file.data).read_to_end(&mut bytes).ok()?;
    Some(Asset { bytes: bytes.into(), kind, coding: None })
}

/// The media type of a file that the page may have.
fn kind(path: &str) -> Option<&'static str> {
    Some(match path.rsplit_once('.')?.1 {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "json" => "application/json",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_page_runs_and_loads_nothing() {
        let page = include_str!("page.html").to_lowercase();
        for part in ["<script", "<style", "style=", "http://", "https://", "<img", "<link"] {
            assert!(!page.contains(part), "{part}");
        }
        assert!(page.starts_with("<!doctype html>"));
    }

    #[test]
    fn the_page_is_drawn_right_at_once_and_holds_nothing_else() {
        assert!(page("zh", "dark").contains("<html lang=\"zh\" data-theme=\"dark\""));
        let odd = page("\"><script>", "x\" onload=\"");
        assert!(odd.contains("<html lang=\"en\" data-theme=\"auto\"") && !odd.contains("onload"));
    }

    #[test]
    fn only_files_of_the_page_are_assets() {
        for odd in ["", "../index.html", "index.html", "nope.js", "x", "a.js.br"] {
            assert!(asset(odd, |_| true).is_none(), "{odd}");
        }
    }

    #[test]
    fn an_asset_is_the_same_for_who_unpacks_it_and_for_who_cannot() {
        for name in Built::iter()
            .filter_map(|name| Some(name.strip_prefix("assets/")?.strip_suffix(".gz")?.to_owned()))
        {
            let plain = asset(&name, |_| false).unwrap();
            assert_eq!(plain.coding, None);
            let packed = asset(&name, |coding| coding == Coding::Gzip).unwrap();
            assert_eq!(packed.coding, Some(Coding::Gzip));
            let mut unpacked = Vec::new();
            GzDecoder::new(&*packed.bytes).read_to_end(&mut unpacked).unwrap();
            assert!(unpacked == *plain.bytes && !unpacked.is_empty(), "{name}");
            assert_eq!(asset(&name, |_| true).unwrap().coding, Some(Coding::Brotli), "{name}");
        }
    }
}
