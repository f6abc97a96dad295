//! Listings: aligned columns without borders, cut to the terminal; whole where there is none.

use std::io;

use comfy_table::{Cell, ContentArrangement, Table, presets};

use super::clean::one_line;
use super::paint::{Line, Paint, Screen};
use super::print;

/// Prints rows below a head; a listing without rows says `empty` on standard error instead.
///
/// Every cell is cleaned here: it may hold what a server or a repository said.
///
/// # Errors
/// Standard output is closed or broken.
pub fn show(head: &[&str], rows: Vec<Vec<String>>, empty: &str) -> io::Result<()> {
    if rows.is_empty() {
        super::note(empty);
        return Ok(());
    }
    print(&text(head, rows, &Screen::stdout()))
}

/// Says on standard error that a listing goes on, and how the rest of it is shown.
pub fn tell_rest(next: Option<i64>) {
    if let Some(next) = next {
        super::note(&format!("there are more: --before {next}"));
    }
}

fn text(head: &[&str], rows: Vec<Vec<String>>, screen: &Screen) -> String {
    let mut table = Table::new();
    table.force_no_tty().load_style(presets::NOTHING).set_header(head.iter().map(Cell::new));
    // A cell that is broken into lines is hard to read and to copy: what has no room is cut at the end of the row.
    table.set_content_arrangement(ContentArrangement::Disabled);
    for row in rows {
        table.add_row(row.iter().map(|cell| Cell::new(one_line(cell))));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let cut =
        |line: String| Line::default().with(line.trim_end(), Paint::Plain).text(screen.width, false) + "\n";
    table.lines().map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_cells_are_clean() {
        let screen = Screen { terminal: false, colours: false, width: usize::MAX, height: usize::MAX };
        let rows = || {
            vec![
                vec!["web-1".to_owned(), "deploy@10.0.0.11:22".to_owned()],
                vec!["a-longer-name".to_owned(), "two\nlines \u{1b}]0;title\u{7}".to_owned()],
            ]
        };
        insta::assert_snapshot!(text(&["NAME", "PLACE"], rows(), &screen), @r"
        NAME           PLACE
        web-1          deploy@10.0.0.11:22
        a-longer-name  two lines
        ");
        let narrow = Screen { terminal: true, width: 20, ..screen };
        insta::assert_snapshot!(text(&["NAME", "PLACE"], rows(), &narrow), @r"
        NAME           PLACE
        web-1          depl…
        a-longer-name  two …
        ");
    }
}
