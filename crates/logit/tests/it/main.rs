//! The tests of all backends together, in one program; the one that limits its memory is another.

mod agreement;
mod elastic_net;
mod references;
