import Core
import MQTT
import Testing
import TestSupport

/// The session of 5.0 against a server and an owner that keep the rules and else do as they like.
/// The fuzz target `Peer` is the same with choices that the fuzzer makes.
@Suite struct V5LegalPeerTests {
  @Test(arguments: 1...100 as ClosedRange<UInt64>)
  func rulesAreKeptOnBothSides(seed: UInt64) {
    var generator = Generator(seed: seed)
    var arena = testArena(bytes: 1 << 14)
    let owner = LegalOwner(arena: &arena) { bound in
      Int(generator.next(below: UInt64(bound)))
    }
    for _ in 0..<4_000 where owner.problems.isEmpty { owner.step() }
    if owner.problems.isEmpty { owner.calmDown() }
    #expect(owner.problems == [])
    #expect(owner.server.sentCount > 20)
  }
}
