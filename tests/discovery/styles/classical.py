# As it was written for SQLAlchemy 1, and as Flask-SQLAlchemy still is.
from sqlalchemy import Boolean, Column, Date, DateTime, ForeignKey, Integer, String, Table, Text
from sqlalchemy.orm import DeclarativeBase, deferred, relationship


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = 'customer'
    id = Column(Integer, primary_key=True)
    name = Column(String(64), nullable=False)
    email = Column(String(120), index=True, unique=True)
    telNo = Column('tel_no', String)
    dob = Column(Date, nullable=True)
    login = Column(String(20), unique=True)
    about_me = deferred(Column(Text()))
    email_sent_at = Column(DateTime)
    active = Column(Boolean, default=True)
    letters = relationship('Letter', back_populates='customer')


class Letter(Base):
    __tablename__ = 'letter'
    id = Column(Integer, primary_key=True)
    customer_id = Column(Integer, ForeignKey('customer.id'))
    delivery_address = Column(String(200))
    customer = relationship('Customer', back_populates='letters')


staff = Table('staff', Base.metadata, Column('id', Integer, primary_key=True), Column('family_name', String(40)))
members = Table(
    'members',
    Base.metadata,
    Column('id', Integer, primary_key=True),
    Column('furigana', String(40)),
    Column('seinengappi', Date)
)
