//! What searches a maximum of its own: profile likelihoods, and fits with Firth's penalty.

mod ascent;
pub(crate) mod firth;
mod profile;
