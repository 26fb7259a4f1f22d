//! All tests from outside but for those of minutes, in one program: linking and generic code are paid for once.

mod any;
mod bound;
mod checkpoint;
mod early_stopping;
mod edges;
mod elastic_net;
mod fit;
mod kernels;
mod large;
mod metrics;
mod own_solver;
mod path;
mod peers;
mod penalty_factors;
mod saturated;
mod separation;
mod solvers;
mod standardization;
mod start;
mod suite;
mod trust_region;
mod weights;
