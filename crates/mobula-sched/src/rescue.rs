//! What a visit that has panicked had in hand.

use mobula_sync::atomic::Ordering;

use crate::cancel::How;
use crate::failure::{self, Failure};
use crate::object::{NONE, Status};
use crate::payload::Payload;
use crate::task::{State, TaskId};
use crate::template::Use;
use crate::turn::Turn;

impl Turn<'_> {
    /// Tasks that this visit was settling: their other results get an error.
    pub(crate) fn settle_begun(&mut self) {
        while let Some(begun) = self.settling.pop() {
            let cell = self.node.tasks.get(begun.task.index);
            if cell.state() != (State::Settling, begun.task.generation) {
                continue;
            }
            // SAFETY: this visit is the settler: it moved the task to `Settling`, and has not let go of it.
            let spec = unsafe { cell.spec() };
            let results: Vec<u32> = spec.results().collect();
            let error = broken(&spec.template, cell.attempt());
            for result in results {
                self.settle_if_open(result, &error);
            }
            self.discard(error);
            if !begun.ended {
                self.task_ended(begun.task.index);
            }
            self.settler_leaves(begun.task.index);
        }
    }

    /// A task that this visit was placing, making ready or handing out: it fails.
    pub(crate) fn settle_in_hand(&mut self) {
        let results = std::mem::take(&mut self.placing);
        for result in results {
            let object = self.node.objects.get(result);
            let task = TaskId::unpack(object.producer.load(Ordering::Relaxed));
            if let Some(task) = task.filter(|&task| self.find(task).is_some()) {
                self.stop_because(task, Failure::Broken, &[], How::default());
            } else if !object.waiters.is_done() && !self.is_written(result) {
                let error = broken(&Use::default(), 0);
                // The reference of the task that there is not.
                object.retain();
                self.settle(result, Status::SystemError, error);
            }
        }
        let task = std::mem::replace(&mut self.in_hand, NONE);
        if task == NONE || self.is_ready(task) {
            return;
        }
        let (state, generation) = self.node.tasks.get(task).state();
        if matches!(state, State::Waiting | State::Ready) {
            let id = TaskId {
                index: task,
                generation,
            };
            self.stop_because(id, Failure::Broken, &[], How::default());
            // It was about to be handed out.
            self.release_resources(task);
        }
    }

    /// An actor that this visit was ending, or starting again: it is dead.
    pub(crate) fn settle_actor(&mut self) {
        let actor = std::mem::replace(&mut self.actor_in_hand, NONE);
        if actor != NONE {
            let error = broken(&Use::default(), 0);
            self.end_actor(actor, error);
        }
        self.let_go_of_object();
    }

    /// Calls that this visit had taken from an actor that has ended: they fail.
    pub(crate) fn settle_doomed(&mut self) {
        let error = broken(&Use::default(), 0);
        while let Some(task) = self.doomed.pop() {
            self.fail_queued(task, &error);
        }
        self.discard(error);
    }

    fn settle_if_open(&mut self, result: u32, error: &Payload) {
        if !self.node.objects.get(result).waiters.is_done() && !self.is_written(result) {
            let copy = self.copy(error);
            self.settle(result, Status::SystemError, copy);
        }
    }
}

fn broken(template: &Use, attempt: u32) -> Payload {
    failure::encode(Failure::Broken, template, attempt, &[])
}
