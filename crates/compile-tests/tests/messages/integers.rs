use logit::{LogisticRegression, Ndarray, ndarray::array};

fn main() {
    let x = array![[1, 6], [2, 8]];
    _ = LogisticRegression::new().fit(&Ndarray::from(&x), [0, 1]);
}
