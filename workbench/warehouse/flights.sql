-- The embedded warehouse: landing holds the package's files as delivered, gold holds what may be built upon.
-- Every line `-- step: ...` begins a step that is reported by that name. The variable `folder` holds the files.

-- step: landing the five files as delivered
CREATE SCHEMA landing;
-- All columns as text, so that 'NA' and '' stay what they were.
CREATE TABLE landing.flights AS FROM read_csv(getvariable('folder') || '/flights.csv', all_varchar = true, header = true, quote = '"');
CREATE TABLE landing.airlines AS FROM read_csv(getvariable('folder') || '/airlines.csv', all_varchar = true, header = true, quote = '"');
CREATE TABLE landing.airports AS FROM read_csv(getvariable('folder') || '/airports.csv', all_varchar = true, header = true, quote = '"');
CREATE TABLE landing.planes AS FROM read_csv(getvariable('folder') || '/planes.csv', all_varchar = true, header = true, quote = '"');
CREATE TABLE landing.weather AS FROM read_csv(getvariable('folder') || '/weather.csv', all_varchar = true, header = true, quote = '"');

-- step: typing airlines, airports, planes and weather
CREATE SCHEMA gold;
CREATE TEMP MACRO given(value) AS nullif(nullif(trim(value), 'NA'), '');

CREATE TABLE gold.airlines (
    carrier VARCHAR PRIMARY KEY,
    name VARCHAR NOT NULL
);
INSERT INTO gold.airlines
SELECT given(carrier), given(name) FROM landing.airlines ORDER BY carrier;

CREATE TABLE gold.airports (
    faa VARCHAR PRIMARY KEY,
    name VARCHAR NOT NULL,
    latitude DOUBLE NOT NULL,
    longitude DOUBLE NOT NULL,
    altitude_feet INTEGER NOT NULL,
    utc_offset_hours INTEGER NOT NULL,
    daylight_saving VARCHAR NOT NULL,
    timezone VARCHAR
);
INSERT INTO gold.airports
SELECT
    given(faa), given(name), given(lat)::DOUBLE, given(lon)::DOUBLE, given(alt)::INTEGER, given(tz)::INTEGER,
    given(dst), given(tzone)
FROM landing.airports ORDER BY faa;

CREATE TABLE gold.planes (
    tailnum VARCHAR PRIMARY KEY,
    built_year INTEGER,
    type VARCHAR NOT NULL,
    manufacturer VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    engines INTEGER NOT NULL,
    seats INTEGER NOT NULL,
    cruising_speed_mph INTEGER,
    engine VARCHAR NOT NULL
);
INSERT INTO gold.planes
SELECT
    given(tailnum), given("year")::INTEGER, given(type), given(manufacturer), given(model), given(engines)::INTEGER,
    given(seats)::INTEGER, given(speed)::INTEGER, given(engine)
FROM landing.planes ORDER BY tailnum;

CREATE TABLE gold.weather (
    origin VARCHAR NOT NULL,
    observed_hour TIMESTAMPTZ NOT NULL,
    temperature_f DOUBLE,
    dew_point_f DOUBLE,
    humidity_percent DOUBLE,
    wind_direction_degrees INTEGER,
    wind_speed_mph DOUBLE,
    wind_gust_mph DOUBLE,
    precipitation_inches DOUBLE NOT NULL,
    pressure_millibars DOUBLE,
    visibility_miles DOUBLE NOT NULL,
    PRIMARY KEY (origin, observed_hour)
);
INSERT INTO gold.weather
SELECT
    given(origin), given(time_hour)::TIMESTAMPTZ, given(temp)::DOUBLE, given(dewp)::DOUBLE, given(humid)::DOUBLE,
    given(wind_dir)::INTEGER, given(wind_speed)::DOUBLE, given(wind_gust)::DOUBLE, given(precip)::DOUBLE,
    given(pressure)::DOUBLE, given(visib)::DOUBLE
FROM landing.weather ORDER BY time_hour, origin;

-- step: typing and keying flights
CREATE TABLE gold.flights (
    flight_id VARCHAR PRIMARY KEY,
    carrier VARCHAR NOT NULL,
    flight_number INTEGER NOT NULL,
    tailnum VARCHAR,
    origin VARCHAR NOT NULL,
    dest VARCHAR NOT NULL,
    flight_date DATE NOT NULL,
    scheduled_departure TIMESTAMPTZ NOT NULL,
    scheduled_hour TIMESTAMPTZ NOT NULL,
    departed_at TIMESTAMPTZ,
    dep_delay_minutes INTEGER,
    arr_delay_minutes INTEGER,
    air_time_minutes INTEGER,
    distance_miles INTEGER NOT NULL,
    cancelled BOOLEAN NOT NULL,
    completed BOOLEAN NOT NULL
);
INSERT INTO gold.flights
WITH typed AS (
    SELECT
        given(carrier) AS carrier,
        given(flight)::INTEGER AS flight_number,
        given(tailnum) AS tailnum,
        given(origin) AS origin,
        given(dest) AS dest,
        make_date(given("year")::INTEGER, given("month")::INTEGER, given("day")::INTEGER) AS flight_date,
        given(time_hour)::TIMESTAMPTZ AS scheduled_hour,
        scheduled_hour + to_minutes(given("minute")::INTEGER) AS scheduled_departure,
        given(dep_delay)::INTEGER AS dep_delay,
        given(arr_delay)::INTEGER AS arr_delay,
        given(air_time)::INTEGER AS air_time,
        given(distance)::INTEGER AS distance,
        given(dep_time) IS NULL AS cancelled
    FROM landing.flights
)
SELECT
    concat_ws('-', carrier, flight_number, origin, strftime(scheduled_departure, '%Y%m%dT%H%MZ')) AS flight_id,
    carrier, flight_number, tailnum, origin, dest, flight_date, scheduled_departure, scheduled_hour,
    scheduled_departure + to_minutes(dep_delay) AS departed_at,
    dep_delay, arr_delay, air_time, distance,
    cancelled,
    arr_delay IS NOT NULL AS completed
FROM typed
ORDER BY scheduled_departure, flight_id;

-- step: describing tables and columns
COMMENT ON TABLE gold.airlines IS 'One row per carrier.';
COMMENT ON COLUMN gold.airlines.carrier IS 'Two-character carrier code; the key.';
COMMENT ON COLUMN gold.airlines.name IS 'Full name of the carrier.';

COMMENT ON TABLE gold.airports IS 'One row per airport of the United States and a few nearby; four destinations of flights are missing.';
COMMENT ON COLUMN gold.airports.faa IS 'FAA code; the key.';
COMMENT ON COLUMN gold.airports.name IS 'Usual name; not unique.';
COMMENT ON COLUMN gold.airports.latitude IS 'Degrees north, as delivered.';
COMMENT ON COLUMN gold.airports.longitude IS 'Degrees east, as delivered.';
COMMENT ON COLUMN gold.airports.altitude_feet IS 'Height above the sea in feet.';
COMMENT ON COLUMN gold.airports.utc_offset_hours IS 'Hours from UTC in winter.';
COMMENT ON COLUMN gold.airports.daylight_saving IS 'A: as in the United States, U: unknown, N: none.';
COMMENT ON COLUMN gold.airports.timezone IS 'IANA time zone, NULL where not delivered.';

COMMENT ON TABLE gold.planes IS 'One row per registered aircraft; one flight in six names an aircraft that is not here.';
COMMENT ON COLUMN gold.planes.tailnum IS 'Tail number; the key.';
COMMENT ON COLUMN gold.planes.built_year IS 'Year of manufacture, NULL where not delivered.';
COMMENT ON COLUMN gold.planes.type IS 'Kind of aircraft.';
COMMENT ON COLUMN gold.planes.manufacturer IS 'Maker, as registered.';
COMMENT ON COLUMN gold.planes.model IS 'Model, as registered.';
COMMENT ON COLUMN gold.planes.engines IS 'Number of engines.';
COMMENT ON COLUMN gold.planes.seats IS 'Number of seats.';
COMMENT ON COLUMN gold.planes.cruising_speed_mph IS 'Average cruising speed in miles per hour; known for very few.';
COMMENT ON COLUMN gold.planes.engine IS 'Kind of engine.';

COMMENT ON TABLE gold.weather IS 'One row per New York airport and hour observed; some hours are missing.';
COMMENT ON COLUMN gold.weather.origin IS 'FAA code of the airport; with observed_hour the key.';
COMMENT ON COLUMN gold.weather.observed_hour IS 'The hour as an instant; equals scheduled_hour of flights.';
COMMENT ON COLUMN gold.weather.temperature_f IS 'Degrees Fahrenheit.';
COMMENT ON COLUMN gold.weather.dew_point_f IS 'Degrees Fahrenheit.';
COMMENT ON COLUMN gold.weather.humidity_percent IS 'Relative humidity in percent.';
COMMENT ON COLUMN gold.weather.wind_direction_degrees IS 'Where the wind comes from, in degrees.';
COMMENT ON COLUMN gold.weather.wind_speed_mph IS 'Miles per hour.';
COMMENT ON COLUMN gold.weather.wind_gust_mph IS 'Miles per hour, NULL where there was no gust.';
COMMENT ON COLUMN gold.weather.precipitation_inches IS 'Rain or melted snow of the hour in inches.';
COMMENT ON COLUMN gold.weather.pressure_millibars IS 'At sea level.';
COMMENT ON COLUMN gold.weather.visibility_miles IS 'Miles, at most 10.';

COMMENT ON TABLE gold.flights IS 'One row per flight scheduled to leave New York City (EWR, JFK, LGA) in 2013.';
COMMENT ON COLUMN gold.flights.flight_id IS 'Carrier, number, origin and scheduled departure in UTC; the key.';
COMMENT ON COLUMN gold.flights.carrier IS 'Carrier code.';
COMMENT ON COLUMN gold.flights.flight_number IS 'The carrier''s flight number.';
COMMENT ON COLUMN gold.flights.tailnum IS 'Tail number of the aircraft, NULL where none was assigned.';
COMMENT ON COLUMN gold.flights.origin IS 'Where it leaves from.';
COMMENT ON COLUMN gold.flights.dest IS 'Where it goes to.';
COMMENT ON COLUMN gold.flights.flight_date IS 'Scheduled day of departure in New York.';
COMMENT ON COLUMN gold.flights.scheduled_departure IS 'Scheduled departure as an instant.';
COMMENT ON COLUMN gold.flights.scheduled_hour IS 'The hour of the scheduled departure as an instant; joins weather.';
COMMENT ON COLUMN gold.flights.departed_at IS 'Scheduled departure plus delay; NULL where cancelled.';
COMMENT ON COLUMN gold.flights.dep_delay_minutes IS 'Minutes late at departure, negative when early; NULL where cancelled.';
COMMENT ON COLUMN gold.flights.arr_delay_minutes IS 'Minutes late at arrival, negative when early; NULL where not completed.';
COMMENT ON COLUMN gold.flights.air_time_minutes IS 'Minutes in the air; NULL where not completed.';
COMMENT ON COLUMN gold.flights.distance_miles IS 'Miles between the airports.';
COMMENT ON COLUMN gold.flights.cancelled IS 'True where no departure was recorded.';
COMMENT ON COLUMN gold.flights.completed IS 'True where an arrival delay was recorded; neither cancelled nor diverted nor lost to the record.';
