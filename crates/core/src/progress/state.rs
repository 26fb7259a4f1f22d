//! The state of a solver between iterations, held without knowing its type.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use crate::backend::error::Error;
use crate::linalg::vectors::all_sound;
use crate::progress::same::require_same;

/// The state, beside the parameters, that a solver needs to go on as if it had not been
/// interrupted.
///
/// [`Trace::proceed_from`](crate::Trace::proceed_from) takes it at the start of an iteration, and
/// [`Trace::resume`](crate::Trace::resume) gives it back. With the feature `serde` it is part of a
/// saved [`Checkpoint`](crate::Checkpoint). So it has to be data, with finite floats, because JSON
/// has no others. A vector with one number per parameter is a state; [`Solver`](crate::Solver)
/// shows one.
pub trait SolverState: Clone + Debug + PartialEq + Data + Send + Sync + 'static {
    /// Whether a state read from a file can be that of a fit of `dimension` parameters: lengths of
    /// vectors, for instance. The provided method returns `true`.
    fn is_sound(&self, dimension: usize) -> bool {
        let _ = dimension;
        true
    }
}

/// One number per parameter.
impl SolverState for Vec<f64> {
    fn is_sound(&self, dimension: usize) -> bool {
        all_sound([&self[..]], dimension)
    }
}

/// With the feature `serde`, any type that can be saved and read again; without it, any type.
#[cfg(feature = "serde")]
pub trait Data: serde::Serialize + serde::de::DeserializeOwned {}
#[cfg(feature = "serde")]
impl<T: serde::Serialize + serde::de::DeserializeOwned> Data for T {}
/// With the feature `serde`, any type that can be saved and read again; without it, any type.
#[cfg(not(feature = "serde"))]
pub trait Data {}
#[cfg(not(feature = "serde"))]
impl<T> Data for T {}

/// A state of any type.
trait AnyState: Debug + Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn equals(&self, other: &dyn AnyState) -> bool;
    #[cfg(feature = "serde")]
    fn value(&self) -> serde_json::Result<serde_json::Value>;
}

impl<S: SolverState> AnyState for S {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn equals(&self, other: &dyn AnyState) -> bool {
        other.as_any().downcast_ref() == Some(self)
    }

    #[cfg(feature = "serde")]
    fn value(&self) -> serde_json::Result<serde_json::Value> {
        serde_json::to_value(self)
    }
}

/// The state of a solver, with its name.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    solver: String,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Made(Arc<dyn AnyState>),
    /// The state as read from a file.
    #[cfg(feature = "serde")]
    Read(serde_json::Value),
}

impl Saved {
    pub(crate) fn new<S: SolverState>(solver: &str, state: S) -> Self {
        Self { solver: solver.to_owned(), state: State::Made(Arc::new(state)) }
    }

    pub(crate) fn solver(&self) -> &str {
        &self.solver
    }

    /// The state, for a fit of `dimension` parameters.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] if it is not of this type, or is damaged.
    pub(crate) fn take<S: SolverState>(self, dimension: usize) -> Result<S, Error> {
        let state: Option<S> = match self.state {
            State::Made(state) => state.as_any().downcast_ref().cloned(),
            #[cfg(feature = "serde")]
            State::Read(value) => serde_json::from_value(value).ok(),
        };
        let whole = state.filter(|state| state.is_sound(dimension));
        require_same("state", if whole.is_some() { "whole" } else { "damaged" }, "whole")?;
        Ok(whole.expect("as just seen"))
    }
}

impl PartialEq for Saved {
    fn eq(&self, other: &Self) -> bool {
        let same = match (&self.state, &other.state) {
            (State::Made(a), State::Made(b)) => a.equals(&**b),
            #[cfg(feature = "serde")]
            (a, b) => a.value().ok() == b.value().ok(),
        };
        self.solver == other.solver && same
    }
}

#[cfg(feature = "serde")]
mod saved {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
    use serde_json::Value;

    use super::{Saved, State};

    impl State {
        pub(super) fn value(&self) -> serde_json::Result<Value> {
            match self {
                State::Made(state) => state.value(),
                State::Read(value) => Ok(value.clone()),
            }
        }
    }

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Named {
        solver: String,
        state: Value,
    }

    impl Serialize for Saved {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let state = self.state.value().map_err(ser::Error::custom)?;
            Named { solver: self.solver.clone(), state }.serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for Saved {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let Named { solver, state } = Named::deserialize(deserializer)?;
            Ok(Saved { solver, state: State::Read(state) })
        }
    }
}
