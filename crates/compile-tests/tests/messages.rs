//! What the compiler says of the wrong type.

/// The messages are those of the oldest Rust that serves; others word the rest of them differently.
#[test]
fn the_compiler_says_what_to_do() {
    trybuild::TestCases::new().compile_fail("tests/messages/*.rs");
}
