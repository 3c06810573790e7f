//! Links the function at a fixed address.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Otherwise each start begins with writing some fifty thousand addresses
    // into a megabyte of tables. Heap, stack and libraries stay where chance puts them.
    println!("cargo::rustc-link-arg-bins=-no-pie");
}
