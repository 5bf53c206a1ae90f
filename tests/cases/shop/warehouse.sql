-- Four tables with every trap of a join: a customer without a region (4), one without orders (5), orders of an unknown
-- customer (5) and of none (6), two items of different size in one order (2), an item of an unknown order (8),
-- a refund without a customer (3), and refunds as a second fact beside orders.
create schema gold;
create table gold.customers (customer_id integer, name varchar, region varchar);
insert into gold.customers values
    (1, 'Ada', 'east'), (2, 'Bo', 'west'), (3, 'Cy', 'west'), (4, 'Di', null), (5, 'Ed', 'north');
create table gold.orders (order_id integer, customer_id integer, ordered_at timestamp, amount decimal(12, 2));
insert into gold.orders values
    (1, 1, '2024-01-05 10:00:00', 150), (2, 2, '2024-02-10 23:59:59', 100), (3, 3, '2024-02-11 00:00:00', 100),
    (4, 4, '2024-03-01 08:30:00', 40), (5, 99, '2024-01-31 23:00:00', 10), (6, null, '2024-03-31 12:00:00', 6);
create table gold.items (item_id integer, order_id integer, quantity integer, big boolean);
insert into gold.items values
    (1, 1, 5, false), (2, 2, 10, true), (3, 2, 1, false), (4, 3, 7, true), (5, 4, 3, false), (6, 5, 2, false),
    (7, 6, 3, true), (8, 99, 11, true);
create table gold.refunds (refund_id integer, customer_id integer, refunded_at timestamp, amount double);
insert into gold.refunds values
    (1, 1, '2024-02-01 09:00:00', 10), (2, 2, '2024-04-02 09:00:00', 10), (3, null, '2024-02-20 09:00:00', 5);
-- A calendar from December to April: years that start in February, and months of four, four and five weeks.
create table gold.days as
select day::date as day,
    case when month(day) >= 2 then make_date(year(day)::integer, 2, 1) else make_date(year(day)::integer - 1, 2, 1) end as fiscal_year,
    case when day < '2024-01-01' then date '2023-11-27' when day < '2024-01-29' then date '2024-01-01'
        when day < '2024-02-26' then date '2024-01-29' when day < '2024-04-01' then date '2024-02-26'
        else date '2024-04-01' end as retail_month
from range(timestamp '2023-12-01', timestamp '2024-05-01', interval 1 day) days(day);
