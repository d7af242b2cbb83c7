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
