import Dialing
import Profile
import Testing

private func reading(_ urls: String, _ more: String = "") -> Reading {
  profile(around: #""broker": {"urls": \#(urls)\#(more)}"#)
}

@Test func severalBrokersAreTakenInOrder() throws {
  let reading = reading(
    #"["mqtt://ann@a.example", "tcp://b.example:1884", "mqtt://ann@[::1]"]"#,
    #", "returnAfter": "1h""#)
  #expect(reading.told == [])
  let configuration = try #require(reading.configuration)
  let dial = configuration.uplink.dial
  #expect(dial.brokerCount == 3)
  #expect(
    (0..<3).map { configuration.string(dial.broker($0).host) } == ["a.example", "b.example", "::1"])
  #expect((0..<3).map { dial.broker($0).port } == [1883, 1884, 1883])
  #expect(configuration.string(configuration.uplink.user) == "ann")
  #expect(configuration.uplink.returnAfter == .seconds(3_600))
}

@Test func returnHasADefault() {
  #expect(reading(#"["mqtt://a", "mqtt://b"]"#).configuration?.uplink.returnAfter == .seconds(600))
}

@Test func aBrokerMaySendTheDeviceOnUnlessThatIsForbidden() {
  #expect(reading(#"["mqtt://a"]"#).configuration?.uplink.followsReferences == true)
  let forbidden = profile(around: #""broker": {"followReference": false}"#)
  #expect(forbidden.configuration?.uplink.followsReferences == false)
  #expect(
    profile(around: #""broker": {"followReference": 0}"#).messages == [
      "/broker/followReference: expected true or false, found the number 0"
    ])
}

@Test func eightBrokersAreTheMost() {
  let eight = Array(repeating: #""mqtt://a""#, count: 8).joined(separator: ",")
  #expect(reading("[\(eight)]").configuration?.uplink.dial.brokerCount == 8)
  let expected = "/broker/urls: expected an array of 1 to 8 URLs"
  #expect(reading(#"[\#(eight),"mqtt://a"]"#).messages == [expected])
  #expect(reading("[]").messages == [expected])
  #expect(reading(#""mqtt://ann:hunter2@a""#).messages == [expected])
}

@Test(
  arguments: [
    (#"["mqtt://a", 7]"#, "/broker/urls/1: expected a URL, found the number 7"),
    (#"["mqtt://a", "b"]"#, "/broker/urls/1: expected a URL such as"),
    (#"["mqtt://a", "mqtts://b"]"#, "/broker/urls/1: all brokers are reached alike"),
    (#"["mqtt://ann@a", "mqtt://bob@b"]"#, "/broker/urls/1: all brokers have one login"),
    (#"["mqtt://ann:hunter2@a"]"#, "/broker/urls/0: a password in a URL shows"),
  ] as [(String, String)])
func aWrongListIsRefusedWithTheReason(urls: String, reason: String) {
  let reading = reading(urls)
  #expect(reading.messages.count == 1 && reading.configuration == nil)
  #expect(reading.messages[0].hasPrefix(reason), "\(reading.messages)")
  #expect(!reading.text.contains("hunter2"))
}

@Test func oneURLAndSeveralDoNotGoTogether() {
  #expect(
    profile(around: #""broker": {"url": "mqtt://a", "urls": ["mqtt://b"]}"#).messages == [
      "/broker/urls: url names one broker, urls several: give one of the two"
    ])
}

@Test func theCommandLinesBrokerTakesThePlaceOfAll() throws {
  let broker = #""broker": {"urls": ["mqtt://a", "mqtt://b"]}"#
  let configuration = try #require(profile(around: broker, brokerURL: "mqtt://c").configuration)
  #expect(configuration.uplink.dial.brokerCount == 1)
  #expect(configuration.string(configuration.uplink.dial.endpoint.host) == "c")
}
