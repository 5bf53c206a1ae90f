-- The warehouse that the workspace of base.yml is right about.
create schema gold;
create table gold.orders (
    order_id integer, customer_id integer, recipient_id integer, ordered_at timestamp, amount decimal(12, 2), note varchar
);
insert into gold.orders values (1, 1, 1, '2024-01-01', 10, 'a'), (2, 1, 2, '2024-01-02', 20, 'b');
create table gold.customers (customer_id integer, email varchar, region varchar);
insert into gold.customers values (1, 'a@shop.example', 'east'), (2, null, 'west'), (3, null, null);
