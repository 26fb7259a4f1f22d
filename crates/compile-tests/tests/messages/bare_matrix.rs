use logit::{LogisticRegression, ndarray::array};

fn main() {
    let x = array![[0.5, 6.0], [1.0, 8.0]];
    _ = LogisticRegression::new().fit(&x, [0, 1]);
}
