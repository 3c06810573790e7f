//! Packs the description of the API and its viewer into the binary, and links the function at a fixed address.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::error::Error;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::{env, fs, io};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

const DESCRIPTION: &str = "openapi.json";
const VIEWER: [&str; 2] = ["swagger-ui-bundle.js", "swagger-ui.css"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={DESCRIPTION}");
    // Otherwise each start begins with writing some fifty thousand addresses
    // into a megabyte of tables. Heap, stack and libraries stay where chance puts them.
    println!("cargo::rustc-link-arg-bins=-no-pie");
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    let out = Path::new(&out);
    pack(&fs::read(DESCRIPTION)?, &out.join(DESCRIPTION))?;
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    for file in VIEWER {
        let wanted = format!("/dist/{file}");
        let names: Vec<String> = archive.file_names().map(str::to_owned).collect();
        let name = names.iter().find(|name| name.ends_with(&wanted)).ok_or("the viewer lacks a file")?;
        let mut contents = String::new();
        archive.by_name(name)?.read_to_string(&mut contents)?;
        // Without the pointer to a source map that is not served.
        let contents = contents.lines().filter(|line| !line.contains("# sourceMappingURL=")).collect::<Vec<_>>();
        pack(contents.join("\n").as_bytes(), &out.join(file))?;
    }
    Ok(())
}

/// Writes it in a fifth of its bytes.
fn pack(text: &[u8], path: &Path) -> io::Result<()> {
    let mut packed = GzEncoder::new(fs::File::create(path)?, Compression::best());
    packed.write_all(text)?;
    packed.finish().map(drop)
}
