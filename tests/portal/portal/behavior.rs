//! How a portal behaves: the contract, and the steps in which it departs from it.

use std::sync::Arc;

use super::call::Call;
use super::clock::Moment;
use super::response::Response;
use super::row::Row;
use super::wire::Wire;

/// The state while a call is handled.
pub(crate) struct Scene<'a> {
    /// The call.
    pub call: &'a Call,
    /// The calls before it.
    pub past: &'a [Turn],
    /// The moment of the response.
    pub now: Moment,
}

/// A call of the past.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    /// The call as it was understood.
    pub call: Call,
    /// The row the contract puts it into.
    pub row: Row,
}

impl Scene<'_> {
    /// How many calls of the past fell into `row`.
    #[must_use]
    pub(crate) fn seen(&self, row: Row) -> usize {
        self.past.iter().filter(|turn| turn.row == row).count()
    }

    /// The row of the call just before this one.
    #[must_use]
    pub(crate) fn row_before(&self) -> Option<Row> {
        self.past.last().map(|turn| turn.row)
    }
}

type Hear = Arc<dyn Fn(&mut Call) + Send + Sync>;
type Judge = Arc<dyn Fn(Row, &Scene) -> Row + Send + Sync>;
type Edit = Arc<dyn Fn(&mut Response, &Scene) + Send + Sync>;
type Bend = Arc<dyn Fn(&mut Wire) + Send + Sync>;

/// What a portal does with a connection before any HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Greeting {
    /// It reads requests.
    #[default]
    Http,
    /// It closes at once.
    CloseAtOnce,
    /// It says nothing, ever.
    Silence,
    /// It says these bytes and closes.
    Banner(&'static [u8]),
}

/// How a portal behaves. `Behavior::default()` keeps the contract; every step added to it departs in one respect.
#[derive(Clone, Default)]
pub(crate) struct Behavior {
    greeting: Greeting,
    hear: Vec<Hear>,
    judge: Vec<Judge>,
    edit: Vec<Edit>,
    bend: Vec<Bend>,
}

impl Behavior {
    /// A portal that greets every connection with something else than HTTP.
    #[must_use]
    pub(crate) fn greeting(greeting: Greeting) -> Self {
        Self {
            greeting,
            ..Self::default()
        }
    }

    /// Changes what is understood of a request, before it is judged.
    #[must_use]
    pub(crate) fn hear(mut self, step: impl Fn(&mut Call) + Send + Sync + 'static) -> Self {
        self.hear.push(Arc::new(step));
        self
    }

    /// Changes the row a call falls into.
    #[must_use]
    pub(crate) fn judge(mut self, step: impl Fn(Row, &Scene) -> Row + Send + Sync + 'static) -> Self {
        self.judge.push(Arc::new(step));
        self
    }

    /// Edits the responses of `rows`.
    #[must_use]
    pub(crate) fn edit(self, rows: &'static [Row], step: impl Fn(&mut Response) + Send + Sync + 'static) -> Self {
        self.edit_with(rows, move |response, _| step(response))
    }

    /// Edits the responses of `rows`, knowing the call, the past and the time.
    #[must_use]
    pub(crate) fn edit_with(
        mut self,
        rows: &'static [Row],
        step: impl Fn(&mut Response, &Scene) + Send + Sync + 'static,
    ) -> Self {
        self.edit.push(Arc::new(move |response, scene| {
            if rows.contains(&response.row) {
                step(response, scene);
            }
        }));
        self
    }

    /// Bends the bytes of the responses of `rows`.
    #[must_use]
    pub(crate) fn bend(mut self, rows: &'static [Row], step: impl Fn(&mut Wire) + Send + Sync + 'static) -> Self {
        self.bend.push(Arc::new(move |wire| {
            if rows.contains(&wire.row) {
                step(wire);
            }
        }));
        self
    }

    /// What happens to a connection before any HTTP.
    #[must_use]
    pub(crate) fn greets(&self) -> Greeting {
        self.greeting
    }

    pub(super) fn understand(&self, call: &mut Call) {
        self.hear.iter().for_each(|step| step(call));
    }

    pub(super) fn decide(&self, row: Row, scene: &Scene) -> Row {
        self.judge.iter().fold(row, |row, step| step(row, scene))
    }

    pub(super) fn revise(&self, response: &mut Response, scene: &Scene) {
        self.edit.iter().for_each(|step| step(response, scene));
    }

    pub(super) fn distort(&self, wire: &mut Wire) {
        self.bend.iter().for_each(|step| step(wire));
    }
}
