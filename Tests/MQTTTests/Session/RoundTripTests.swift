import Core
import Testing

@testable import MQTT

/// The figures of RFC 6298, section 2.
@Suite struct RoundTripTests {
  @Test func nothingKnownWaitsTheLongest() {
    #expect(RoundTrip().patience(from: .seconds(3), to: .seconds(10)) == .seconds(10))
  }

  @Test func firstAnswerCountsInFullAndHalfOfItAsVariation() {
    var trip = RoundTrip()
    trip.take(.seconds(2))
    #expect(trip.smoothed == .seconds(2) && trip.variation == .seconds(1))
    #expect(trip.patience(from: .seconds(1), to: .seconds(10)) == .seconds(6))
  }

  @Test func laterAnswersCountAnEighthAndTheirVariationAQuarter() {
    var trip = RoundTrip()
    trip.take(.milliseconds(800))
    trip.take(.milliseconds(1_600))
    #expect(trip.smoothed == .milliseconds(900))
    #expect(trip.variation == .milliseconds(500))
    trip.take(.milliseconds(100))
    #expect(trip.smoothed == .milliseconds(800))
    #expect(trip.variation == .milliseconds(575))
  }

  @Test func patienceStaysWithinItsBounds() {
    var trip = RoundTrip()
    trip.take(.milliseconds(1))
    #expect(trip.patience(from: .seconds(3), to: .seconds(10)) == .seconds(3))
    #expect(trip.patience(from: .seconds(3), to: .seconds(2)) == .seconds(2))
    trip.take(.seconds(3_600))
    #expect(trip.patience(from: .seconds(3), to: .seconds(10)) == .seconds(10))
  }

  @Test func steadyAnswersMakePatienceShort() {
    var trip = RoundTrip()
    for _ in 0..<100 { trip.take(.seconds(4)) }
    #expect(trip.patience(from: .seconds(1), to: .seconds(60)) < .milliseconds(4_001))
  }
}
