//! What a person sees while they wait: bars on a terminal, plain lines elsewhere. All of it goes to stderr.

use std::cell::Cell;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// All bars, so that none is drawn over another.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Between two lines about a long step, where there is no terminal.
const BEAT: Duration = Duration::from_secs(20);

/// A task under way. Dropping it unfinished clears the line.
pub(crate) struct Task {
    bar: ProgressBar,
    title: String,
    /// When [`Self::beat`] wrote a line last.
    beaten: Cell<Instant>,
}

impl Task {
    /// A task of unknown length: a spinner.
    pub(crate) fn start(title: impl Into<String>) -> Self {
        Self::with(ProgressBar::new_spinner(), title.into(), "{spinner:.cyan} {prefix} {wide_msg:.dim}")
    }

    /// A download of `bytes`.
    pub(crate) fn download(title: impl Into<String>, bytes: u64) -> Self {
        Self::with(
            ProgressBar::new(bytes),
            title.into(),
            "{spinner:.cyan} {prefix} [{bar:30.cyan/dim}] {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        )
    }

    /// A task of `steps` equal steps.
    pub(crate) fn steps(title: impl Into<String>, steps: u64) -> Self {
        Self::with(
            ProgressBar::new(steps),
            title.into(),
            "{spinner:.cyan} {prefix} [{bar:30.cyan/dim}] {pos}/{len} {wide_msg:.dim}",
        )
    }

    fn with(bar: ProgressBar, title: String, template: &str) -> Self {
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = BARS.add(bar);
        bar.set_style(style);
        bar.set_prefix(title.clone());
        if bar.is_hidden() {
            eprintln!("{title} ...");
        } else {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Self { bar, title, beaten: Cell::new(Instant::now()) }
    }

    /// What is being done right now.
    pub(crate) fn say(&self, now: impl Into<String>) {
        self.bar.set_message(now.into());
    }

    /// How far a long step is. Without a terminal, a line now and then.
    pub(crate) fn beat(&self, now: &str) {
        self.say(now);
        if self.bar.is_hidden() && self.beaten.get().elapsed() >= BEAT {
            self.beaten.set(Instant::now());
            eprintln!("{}: {now}", self.title);
        }
    }

    /// Moves the bar to `position`.
    pub(crate) fn at(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// Runs `print` with the bar out of the way.
    pub(crate) fn above<T>(&self, print: impl FnOnce() -> T) -> T {
        BARS.suspend(print)
    }

    /// Ends the task and leaves one line about it.
    pub(crate) fn done(self, result: &str) {
        let hidden = self.bar.is_hidden();
        self.bar.finish_and_clear();
        if !hidden {
            eprintln!("{} {result}", self.title);
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
