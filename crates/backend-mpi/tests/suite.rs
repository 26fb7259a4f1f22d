//! Every check of the conformance suite, with one process and sparse matrices, whose backend
//! overrides most.

use std::sync::Once;

use logit::sprs::TriMat;
use logit::{Backend, Float, Sprs};
use logit_conformance::{Matrix, not_forwarded};
use logit_mpi::Distributed;
use logit_mpi::mpi::{self, Threading, topology::SimpleCommunicator};

fn alone() -> &'static SimpleCommunicator {
    static MPI: Once = Once::new();
    // Tests have a thread each; MPI is finalised for none of them.
    MPI.call_once(|| std::mem::forget(mpi::initialize_with_threading(Threading::Multiple)));
    Box::leak(Box::new(SimpleCommunicator::self_comm()))
}

fn lend<F: Float>(matrix: &Matrix<F>) -> Distributed<'_, SimpleCommunicator, Sprs<'_, F>> {
    let x = matrix.kept(|matrix| {
        let mut stored = TriMat::new((matrix.nrows(), matrix.ncols()));
        for (i, row) in matrix.rows().into_iter().enumerate() {
            for (j, x) in row.into_iter().enumerate().filter(|&(_, x)| x != F::zero()) {
                stored.add_triplet(i, j, x);
            }
        }
        stored.to_csr::<usize>()
    });
    Distributed::new(alone(), Sprs::from(x)).expect("as many columns as itself")
}

logit_conformance::suite!(distributed_f64: f64, lend::<f64>);
logit_conformance::suite!(distributed_f32: f32, lend::<f32>);

#[test]
fn all_but_the_processes_is_that_of_the_backend_inside() {
    let wrap = |inner| Distributed::new(alone(), inner).expect("as many columns as itself");
    assert_eq!(not_forwarded(wrap), ["peers"]);
}
