use logit::LogisticRegression;

fn main() {
    _ = LogisticRegression::new().solver("newton");
}
