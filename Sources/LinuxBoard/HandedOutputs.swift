import CGPIO
import Core
import Linux

/// The outputs that the run before has left, until a board takes them over.
public enum HandedOutputs {
  /// Does what was promised of them and is due: the end of a command's time, the state for a lost link. To be
  /// called first of all in a run: with a profile, a journal or a line that is not as it should be it might not
  /// get to it, again and again, while the lines stay as they are. Returns how many it has driven.
  public static func keepPromises(at now: Instant) -> Int {
    var held = HeldOutputs()
    held.readHanded()
    // From now on at the latest nobody has a link.
    if held.linkLostSince == .never { held.linkLostSince = now }
    var count = 0
    for index in 0..<HandedDescriptors.count {
      let (descriptor, place) = held.handedLine(index)
      guard let output = held[place],
        let level = output.overdue(at: now, linkLostSince: held.linkLostSince),
        cgpio_output_set(descriptor, level) == 0
      else { continue }
      held.setLevel(level, at: place)
      held.setRevert(.never, at: place)
      count += 1
    }
    return count
  }

  /// Takes all of them to their state for a stop, and lets them go: no board is to come.
  public static func release() {
    var held = HeldOutputs()
    let manager = ServiceManager()
    held.takeHanded(manager)
    held.releaseHanded(manager) { _ in false }
  }
}

extension cgpio_held_output {
  /// What the output is to be driven to, unless it is already; nil for nothing.
  func overdue(at now: Instant, linkLostSince: Instant) -> Bool? {
    if lost <= 1, now - linkLostSince >= .nanoseconds(lost_after) {
      return level == lost && revert_at == Int64.max ? nil : lost == 1
    }
    return revert_at <= now.nanoseconds ? start == 1 : nil
  }
}
