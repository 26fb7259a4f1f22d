use logit::LogisticRegression;

fn main() {
    _ = LogisticRegression::new().sample_weights([1, 2]);
}
