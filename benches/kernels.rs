//! The elementwise functions: slices, beside the scalar functions in a loop.
//!
//! Ids are `kernels/function/precision/form`, over 4096 elements.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use logit::{Float, cross_entropy, residual, sigmoid, slice, softplus};

fn kernels(criterion: &mut Criterion) {
    in_precision::<f64>(criterion);
    in_precision::<f32>(criterion);
}

fn in_precision<F: Float>(criterion: &mut Criterion) {
    type Kernel<'a, F> = &'a dyn Fn(&mut [F]);
    let logits: Vec<F> = (0..4096).map(|i| F::narrow(20.0 * (i as f64 * 0.37).sin())).collect();
    let y: Vec<bool> = (0..4096).map(|i| i % 3 == 0).collect();
    let labelled = |z: &mut [F], f: fn(F, bool) -> F| {
        z.iter_mut().zip(&y).for_each(|(z, &y)| *z = f(*z, y));
    };
    let kernels: [(&str, Kernel<'_, F>, Kernel<'_, F>); 4] = [
        ("sigmoid", &slice::sigmoid, &|z| z.iter_mut().for_each(|z| *z = sigmoid(*z))),
        ("softplus", &slice::softplus, &|z| z.iter_mut().for_each(|z| *z = softplus(*z))),
        ("cross_entropy", &|z| slice::cross_entropy(z, &y), &|z| labelled(z, cross_entropy)),
        ("residual", &|z| slice::residual(z, &y), &|z| labelled(z, residual)),
    ];
    let mut group = criterion.benchmark_group("kernels");
    group.sample_size(20);
    group.warm_up_time(Duration::from_millis(200));
    group.measurement_time(Duration::from_millis(800));
    for (function, on_slices, on_scalars) in kernels {
        let (mut fast, mut exact) = (logits.clone(), logits.clone());
        on_slices(&mut fast);
        on_scalars(&mut exact);
        for (fast, exact) in fast.iter().zip(exact) {
            let error = ((*fast - exact) / exact).abs();
            assert!(error <= F::narrow(8.0) * F::epsilon(), "{function}: {fast}, not {exact}");
        }
        for (form, kernel) in [("slice", on_slices), ("scalar", on_scalars)] {
            // Each call copies its input first, since it is replaced.
            let mut z = logits.clone();
            group.bench_function(format!("{function}/{}/{form}", F::NAME), |bencher| {
                bencher.iter(|| {
                    z.copy_from_slice(&logits);
                    kernel(black_box(&mut z));
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, kernels);
criterion_main!(benches);
