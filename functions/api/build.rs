//! Takes the viewer of the API's reference out of its package, and links the function at a fixed address.

use std::error::Error;
use std::io::{Cursor, Read};
use std::path::Path;
use std::{env, fs};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

const FILES: [&str; 2] = ["swagger-ui-bundle.js", "swagger-ui.css"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    // Otherwise each start begins with writing some fifty thousand addresses
    // into a megabyte of tables. Heap, stack and libraries stay where chance puts them.
    println!("cargo::rustc-link-arg-bins=-no-pie");
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    for file in FILES {
        let wanted = format!("/dist/{file}");
        let names: Vec<String> = archive.file_names().map(str::to_owned).collect();
        let name = names.iter().find(|name| name.ends_with(&wanted)).ok_or("the viewer lacks a file")?;
        let mut contents = String::new();
        archive.by_name(name)?.read_to_string(&mut contents)?;
        // Without the pointer to a source map that is not served.
        let contents = contents.lines().filter(|line| !line.contains("# sourceMappingURL=")).collect::<Vec<_>>();
        fs::write(Path::new(&out).join(file), contents.join("\n"))?;
    }
    Ok(())
}
