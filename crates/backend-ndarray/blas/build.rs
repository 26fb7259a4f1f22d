//! Links the BLAS that ndarray calls.

fn main() {
    println!("cargo:rustc-link-arg-tests=-lopenblas");
    println!("cargo:rustc-link-arg-bins=-lopenblas");
    println!("cargo:rerun-if-changed=build.rs");
}
