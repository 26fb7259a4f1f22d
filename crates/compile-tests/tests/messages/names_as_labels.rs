use logit::{Dense, LogisticRegression};

fn main() {
    let x = Dense::from_rows(&[0.5, 6.0], 2, 1);
    _ = LogisticRegression::new().fit(&x, ["yes", "no"]);
}
