//! Figures for Prometheus, in the text of OpenMetrics.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::fmt;

/// The type of the text.
pub const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Bounds of the histogram, in seconds.
const SECONDS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// A route and a status. Routes are the operator's, so that there are not many.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Kind {
    kind: String,
}

/// What is counted.
pub struct Metrics {
    registry: Registry,
    answered: Family<Answered, Counter>,
    seconds: Family<Route, Histogram>,
    gas: Family<Route, Counter>,
    failures: Family<Kind, Counter>,
    rejected: Family<Kind, Counter>,
    /// Requests that were begun and not answered.
    pub in_flight: Gauge,
    /// Runs that were ended because nobody waited for them.
    pub abandoned: Counter,
    /// Connections.
    pub connections: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("gristmill"),
            answered: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            gas: Family::default(),
            failures: Family::default(),
            rejected: Family::default(),
            in_flight: Gauge::default(),
            abandoned: Counter::default(),
            connections: Gauge::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("requests", "Requests that were answered", metrics.answered.clone());
        registry.register("request_duration_seconds", "From request to answer", metrics.seconds.clone());
        registry.register("gas", "Gas that functions spent", metrics.gas.clone());
        registry.register("failures", "Requests that failed, by kind; traps by their names", metrics.failures.clone());
        registry.register("rejected", "Requests and connections that found no room", metrics.rejected.clone());
        registry.register("requests_in_flight", "Requests that are not answered", metrics.in_flight.clone());
        registry.register(
            "abandoned",
            "Runs that were ended because their clients had gone",
            metrics.abandoned.clone(),
        );
        registry.register("connections", "Connections", metrics.connections.clone());
        metrics
    }
}

impl Metrics {
    /// A request was answered.
    pub fn answered(&self, route: &str, status: u16, seconds: f64, gas: u64) {
        let route = route.to_string();
        self.seconds.get_or_create(&Route { route: route.clone() }).observe(seconds);
        self.gas.get_or_create(&Route { route: route.clone() }).inc_by(gas);
        self.answered.get_or_create(&Answered { route, status }).inc();
    }

    /// A request failed.
    pub fn failed(&self, kind: &str) {
        self.failures.get_or_create(&Kind { kind: kind.into() }).inc();
    }

    /// There was no room: for a `connection` or a `request`.
    pub fn rejected(&self, kind: &str) {
        self.rejected.get_or_create(&Kind { kind: kind.into() }).inc();
    }

    /// All figures.
    ///
    /// # Errors
    /// None: text can be written to a string.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
