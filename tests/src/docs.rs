//! Tables of the docs that are generated.

/// Checks that the text between the markers of `name` on a page is `table`.
pub fn check(page: &str, name: &str, table: &str) {
    let path = format!("../docs/{page}");
    let text = std::fs::read_to_string(&path).unwrap();
    let (start, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = text.split_once(&start).unwrap();
    let (found, after) = rest.split_once(&end).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return std::fs::write(path, format!("{before}{start}{table}{end}{after}")).unwrap();
    }
    assert!(found == table, "the table of {name} in docs/{page} is not current");
}
