//! Models as data: version 1 is the weights and the intercept.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::backend::model::Model;
use crate::numbers::float::Float;

const VERSION: u32 = 1;

#[derive(Serialize)]
#[serde(rename = "Model")]
struct Written<'a, F> {
    version: u32,
    weights: &'a [F],
    intercept: F,
}

#[derive(Deserialize)]
#[serde(rename = "Model", deny_unknown_fields)]
struct Read<F> {
    version: u32,
    weights: Vec<F>,
    intercept: F,
}

impl<F: Float + Serialize> Serialize for Model<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (weights, intercept) = (self.weights(), self.intercept());
        Written { version: VERSION, weights, intercept }.serialize(serializer)
    }
}

impl<'de, F: Float + Deserialize<'de>> Deserialize<'de> for Model<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Read::<F>::deserialize(deserializer)?;
        if read.version != VERSION {
            let message = format!("model version {}: only {VERSION} is known", read.version);
            return Err(de::Error::custom(message));
        }
        let model = Model { weights: read.weights, intercept: read.intercept };
        model.check().map_err(de::Error::custom)?;
        Ok(model)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finite<F: Float>(bits: impl Strategy<Value = F>) -> impl Strategy<Value = F> {
        bits.prop_filter("finite", |x| x.is_finite())
    }

    logit_properties::properties! {
        #[test]
        fn json_keeps_every_bit(
            weights in prop::collection::vec(finite(any::<u64>().prop_map(f64::from_bits)), 1..20),
            weights32 in prop::collection::vec(finite(any::<u32>().prop_map(f32::from_bits)), 1..20),
            intercept in finite(any::<u64>().prop_map(f64::from_bits)),
        ) {
            let model = Model::new(&weights, intercept).unwrap();
            let json = serde_json::to_string(&model).unwrap();
            let back: Model<f64> = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(bits(&model.widen()), bits(&back.widen()));
            let model = Model::new(&weights32, weights32[0]).unwrap();
            let json = serde_json::to_string(&model).unwrap();
            let back: Model<f32> = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(bits(&model.widen()), bits(&back.widen()));
        }
    }

    fn bits(model: &Model<f64>) -> Vec<u64> {
        let all = model.weights().iter().chain([&model.intercept]);
        all.map(|x| x.to_bits()).collect()
    }

    /// JSON has no infinities and no NaN; CBOR has.
    #[test]
    fn non_finite_numbers_are_refused_in_formats_that_have_them() {
        let error = |weights: &[f64], intercept| {
            let mut bytes = Vec::new();
            let written = Written { version: VERSION, weights, intercept };
            ciborium::into_writer(&written, &mut bytes).unwrap();
            ciborium::from_reader::<Model<f64>, _>(&*bytes).unwrap_err().to_string()
        };
        assert!(error(&[1.0, f64::INFINITY], 0.0).contains("weight 1 is inf"));
        assert!(error(&[1.0], f64::NAN).contains("intercept is NaN"));
    }

    #[test]
    fn the_format_is_as_documented() {
        let model = Model::new([0.5, -1.25], 0.0625).unwrap();
        let json = serde_json::to_string(&model).unwrap();
        assert_eq!(json, r#"{"version":1,"weights":[0.5,-1.25],"intercept":0.0625}"#);
    }

    #[test]
    fn content_of_another_format_is_a_clear_error() {
        let error = |json| serde_json::from_str::<Model<f32>>(json).unwrap_err().to_string();
        for (json, expected) in [
            (
                r#"{"version":2,"weights":[1.0],"intercept":0.0}"#,
                "model version 2: only 1 is known",
            ),
            (r#"{"version":1,"weights":[1.0],"intercept":0.0,"bias":1.0}"#, "unknown field `bias`"),
            (r#"{"version":1,"weights":[1.0,1e300],"intercept":0.0}"#, "out of range"),
            (r#"{"version":1,"weights":[1.0],"intercept":-1e39}"#, "out of range"),
            (r#"{"version":1,"weights":[null],"intercept":0.0}"#, "invalid type: null"),
            (r#"{"version":1,"weights":[],"intercept":0.0}"#, "no columns"),
            (r#"{"version":1,"weights":[1.0]}"#, "missing field `intercept`"),
            (r#"{"weights":[1.0],"intercept":0.0}"#, "missing field `version`"),
        ] {
            let error = error(json);
            assert!(error.contains(expected), "{json}: {error}");
        }
    }
}
