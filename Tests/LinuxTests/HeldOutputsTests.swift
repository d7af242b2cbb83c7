import CGPIO
import CLinux
import Core
import Foundation
import Testing

@testable import LinuxBoard

/// What a run learns of the outputs that the one before has left.
@Suite struct HeldOutputsTests {
  private func output(_ chip: String, _ offset: UInt32) -> cgpio_held_output {
    var output = cgpio_held_output()
    KernelName(Array(chip.utf8).span).write(field: &output.chip)
    output.offset = offset
    output.used = 1
    output.revert_at = Int64.max
    return output
  }

  /// What a following run finds.
  private func follow(_ held: borrowing HeldOutputs) -> HeldOutputs {
    var copy: Int32 = -1
    held.withDescriptor { descriptor, _ in copy = dup(descriptor) }
    var following = HeldOutputs()
    let isTaken = following.open(copy)
    #expect(isTaken)
    return following
  }

  private func name(_ text: String) -> FixedText<48> { FixedText(Array(text.utf8).span) }

  @Test func followingRunFindsOutputsByName() throws {
    var held = HeldOutputs()
    held.create()
    let (first, second) = (held.note(output("gpiochip0", 17)), held.note(output("gpiochip1", 4)))
    held.setRevert(.boot + .seconds(7), at: try #require(second))
    held.linkLostSince = .boot + .seconds(3)
    held.forget(try #require(first))
    let following = follow(held)
    let forgotten = name("gpiochip0-17").withBytes { following.place(named: $0) }
    #expect(forgotten == nil)
    let place = name("gpiochip1-4").withBytes { following.place(named: $0) }
    let revert = place.flatMap { following[$0]?.revert_at }
    #expect(revert == 7_000_000_000)
    let lost = following.linkLostSince
    #expect(lost == .boot + .seconds(3))
  }

  /// An output that is on, off at start, and off after a minute without a link.
  private func pump() -> cgpio_held_output {
    var pump = output("gpiochip0", 17)
    (pump.level, pump.start, pump.lost, pump.stop) = (1, 0, 2, 0)
    pump.lost_after = Interval.seconds(60).nanoseconds
    return pump
  }

  private func second(_ count: Int64) -> Instant { .boot + .seconds(count) }

  @Test func whatHasATimeGoesToItsStartStateWhenThatIsOver() {
    var pump = pump()
    #expect(pump.overdue(at: second(1000), linkLostSince: .boot) == nil)
    pump.revert_at = second(7).nanoseconds
    #expect(pump.overdue(at: second(6), linkLostSince: .boot) == nil)
    #expect(pump.overdue(at: second(7), linkLostSince: .boot) == false)
    // That a command was being carried out when the program ended, too.
    pump.revert_at = Instant.boot.nanoseconds
    #expect(pump.overdue(at: second(1), linkLostSince: second(1)) == false)
  }

  @Test func withoutALinkItGoesToItsLostStateOnce() {
    var pump = pump()
    pump.lost = 0
    #expect(pump.overdue(at: second(69), linkLostSince: second(10)) == nil)
    #expect(pump.overdue(at: second(70), linkLostSince: second(10)) == false)
    pump.level = 0
    #expect(pump.overdue(at: second(70), linkLostSince: second(10)) == nil)
    // A lost link ends a time that was running, and counts more than it.
    (pump.lost, pump.level, pump.revert_at) = (1, 1, second(20).nanoseconds)
    #expect(pump.overdue(at: second(70), linkLostSince: second(10)) == true)
    #expect(pump.overdue(at: second(70), linkLostSince: .never) == false)
  }

  @Test func outputIsNotedOnce() {
    var held = HeldOutputs()
    held.create()
    let (first, again) = (held.note(output("gpiochip0", 17)), held.note(output("gpiochip0", 17)))
    #expect(first != nil && first == again)
    let lost = held.linkLostSince
    #expect(lost == .never)
  }

  @Test func moreThanThereIsRoomForAreNotHeld() {
    var held = HeldOutputs()
    held.create()
    let places = (0...UInt32(CGPIO_HELD_MAX)).map { held.note(output("chip", $0)) }
    #expect(places.firstIndex(of: nil) == Int(CGPIO_HELD_MAX))
  }

  @Test func memoryOfAnotherFormIsNotBelieved() {
    for bytes in [8, Int(CGPIO_HELD_BYTES), 2 * Int(CGPIO_HELD_BYTES)] {
      var held = HeldOutputs()
      let isTaken = held.open(clinux_shared_open("outputs", bytes))
      let isOpen = held.isOpen
      #expect(!isTaken && !isOpen)
    }
  }

  @Test func descriptorThatIsNoMemoryIsNotBelieved() {
    var held = HeldOutputs()
    let isTaken = held.open(open("/dev/null", O_RDWR))
    #expect(!isTaken)
  }
}
